"""What slots are pinned to, from the first act of a release to the file that nothing names any more."""

from pathlib import Path

import pytest
import yaml

from catalog import revisions
from delivery.errors import DeliveryError, Refused, Unchanged
from delivery.run import rollback
from models.delivery import ServiceDelivery
from models.evidence import ran
from models.release import ServiceRelease, SlotRelease
from models.revision import Revision
from tests.delivery.exporting import args, assert_files_are_there, edit, exporting, files_of
from tests.delivery.world import SERVICE, STACK, Killed, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config


@pytest.fixture
def given(tmp_path: Path) -> World:
    return exporting(tmp_path)


def test_a_release_pins_what_the_last_update_ran_not_what_the_tree_says(given: World) -> None:
    edit(given, args=["--fast"])
    given.begin()
    assert (args(given, "blue"), args(given, "green")) == ((), ("--fast",))
    assert {content.revision for content in given.release.slots.values()} <= files_of(given)


def test_an_edit_during_a_release_reaches_neither_slot(given: World) -> None:
    given.begin()
    edit(given, args=["--fast"])
    assert given.go().result == "promoted"
    assert args(given, given.release.live) == ()


def test_an_edited_entry_is_a_version_of_its_own(given: World) -> None:
    with pytest.raises(Unchanged):
        given.begin(SlotRelease(image=IMAGE))
    edit(given, args=["--fast"])
    given.prometheus.bad = 0.5
    assert given.released(target=SlotRelease(image=IMAGE)).result == "rolled back"
    assert args(given, "blue") == ()
    with pytest.raises(Refused, match="is held"):
        given.begin(SlotRelease(image=IMAGE))
    edit(given, args=["--right"])
    given.prometheus.bad = 0.0
    assert given.released(target=SlotRelease(image=IMAGE)).result == "promoted"
    assert args(given, given.release.live) == ("--right",)


def test_the_way_back_to_the_version_before_is_what_ran_then(given: World) -> None:
    assert given.released().result == "promoted"
    edit(given, args=["--fast"])
    assert given.released(target=SlotRelease(image=IMAGE)).result == "promoted"
    back = rollback.version_before(given.service)
    assert back.image == OTHER_IMAGE
    assert given.service.revision(back).spec.args == ()


def test_a_verdict_names_the_revision(given: World) -> None:
    assert given.released().result == "promoted"
    (verdict,) = given.service.record().verdicts
    live = given.release.slots[given.release.live]
    assert verdict.revision == live.revision
    assert verdict.content == SlotRelease(image=OTHER_IMAGE, revision=live.revision)
    assert not verdict.content.files


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_driver_killed_after_pinning_finds_its_revisions(given: World, killed_at: int) -> None:
    edit(given, args=["--fast"])
    given.engine.killed_at = killed_at
    given.begin()
    with pytest.raises(Killed):
        given.go()
    assert_files_are_there(given)
    assert given.go().result == "promoted"
    assert args(given, given.release.live) == ("--fast",)


def test_what_would_not_fit_is_refused_before_anything_is_written(given: World) -> None:
    path = given.stack.project / f"Pulumi.{STACK}.yaml"
    data = yaml.safe_load(path.read_text())
    data["config"]["slipway:release"][SERVICE]["slots"]["blue"]["server"] = {"topK": 3}
    data["config"]["slipway:delivery"] = {SERVICE: {"history": [past(number) for number in range(400)]}}
    path.write_text(yaml.safe_dump(data))
    before = path.read_bytes()
    with pytest.raises(DeliveryError, match=r"would grow to \d+ KiB, most of it in slipway:delivery.*--files"):
        given.begin()
    assert path.read_bytes() == before


def past(number: int) -> Config:
    at = "2026-01-01T00:00:00Z"
    content = {"image": IMAGE}
    ended = {"began": at, "ended": at, "outcome": "rolled back", "reason": "x" * 200}
    return {"id": str(number), "image": IMAGE, "config": "0" * 16, "content": content, **ended}


def test_a_revision_that_is_missing_is_one_line(given: World) -> None:
    assert given.released().result == "promoted"
    name = given.release.slots[given.release.live].pinned
    (given.stack.project / "revisions" / f"{name}.yaml").unlink()
    fresh = type(given.stack).open(given.stack.project, STACK)
    with pytest.raises(DeliveryError, match=f"revisions/{name}.yaml is missing.*git checkout"):
        fresh.spec()


def test_a_revision_never_changes(given: World) -> None:
    assert given.released().result == "promoted"
    name = given.release.slots[given.release.live].pinned
    path = given.stack.project / "revisions" / f"{name}.yaml"
    path.write_text(path.read_text().replace("port: 5000", "port: 5001"))
    fresh = type(given.stack).open(given.stack.project, STACK)
    with pytest.raises(DeliveryError, match=f"revisions/{name}.yaml: was edited, and a revision is immutable"):
        fresh.spec()


def test_a_revision_whose_text_yaml_1_2_reads_as_a_number_stays_readable(given: World) -> None:
    """PyYAML writes ``1e3`` and ``0o17`` without quotes, in this version and in earlier ones."""
    spec = given.service.spec.model_copy(update={"env": {"RATE": "1e3", "MODE": "0o17", "LINE": "a\u2028b"}})
    revision = Revision.of(spec, SlotRelease(server=None, model=None))
    text = yaml.safe_dump(revision.document(), allow_unicode=True, sort_keys=True)
    assert "RATE: 1e3\n" in text
    (given.stack.project / "revisions").mkdir()
    (given.stack.project / "revisions" / f"{revision.name}.yaml").write_text(text)
    assert revisions.one(given.stack.project, revision.name, "") == revision


def test_another_stacks_revisions_stay(given: World) -> None:
    revision = Revision.of(given.service.spec, SlotRelease(server=None, model=None))
    other = given.stack.project / "Pulumi.other.yaml"
    given.begin()
    shared = given.release.slots["blue"].pinned
    other.write_text(f"config:\n  slipway:release: {{web: {{slots: {{blue: {{revision: {shared}}}}}}}}}\n")
    given.stack.revisions.drop([str(shared)])
    assert shared == revision.name
    assert shared in files_of(given)


def test_a_slot_that_followed_the_tree_follows_it_again(given: World) -> None:
    path = given.stack.project / f"Pulumi.{STACK}.yaml"
    data = yaml.safe_load(path.read_text())
    data["config"]["slipway:release"][SERVICE]["slots"]["blue"]["revision"] = "tree"
    path.write_text(yaml.safe_dump(data))
    assert given.released().result == "promoted"
    assert given.release.slots[given.release.live] == SlotRelease(image=OTHER_IMAGE, revision="tree")


def test_after_a_way_back_it_stays_pinned_to_what_ran(given: World) -> None:
    """The tree is what failed."""
    path = given.stack.project / f"Pulumi.{STACK}.yaml"
    data = yaml.safe_load(path.read_text())
    data["config"]["slipway:release"][SERVICE]["slots"]["blue"]["revision"] = "tree"
    path.write_text(yaml.safe_dump(data))
    given.prometheus.bad = 0.5
    assert given.released().result == "rolled back"
    assert given.release.slots["blue"].pinned == given.revision


def test_a_rolling_release_leaves_the_slot_unpinned_and_its_way_back_pinned(tmp_path: Path) -> None:
    given = world(tmp_path, {"strategy": "rolling", "gate": {"errors": {"margin": 1}, "deadline": "1s"}})
    assert given.released().result == "promoted"
    assert given.release.slots["blue"] == SlotRelease(image=OTHER_IMAGE)
    given.prometheus.bad = 0.5
    assert given.released(target=SlotRelease(image=IMAGE)).result == "rolled back"
    assert given.release.slots["blue"] == SlotRelease(image=OTHER_IMAGE, revision=given.revision)


def test_what_a_stack_exports_is_what_the_next_command_reads(given: World) -> None:
    found = ran(given.stack.outputs(), SERVICE)
    assert found["blue"].image == IMAGE
    assert found["blue"].revision == given.service.revision(given.release.slots["blue"])


def test_a_revision_has_its_file_before_the_stack_file_names_it(given: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write = given.stack.file.write
    seen: list[set[str]] = []

    def written(service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
        seen.append(files_of(given))
        write(service, release, delivery)

    monkeypatch.setattr(given.stack.file, "write", written)
    given.begin()
    assert {content.pinned for content in given.release.slots.values()} <= seen[0]
