"""What the live slot runs beside what the tree says: `slipway diff`, and a line of `slipway status`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery import registry
from delivery.release.service import Service
from models.release import SlotRelease
from models.revision import Revision
from tests.delivery.desk import STABLE, Desk
from tests.samples import IMAGE, OTHER_IMAGE, Config, put


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def pinned(desk: Desk, **edits: object) -> Desk:
    """Pin blue to the entry as it is, then edit the entry."""
    stack = desk.stack()
    revision = Revision.of(Service(stack, "web").spec, SlotRelease())
    stack.revisions.write([stack.revisions.add(revision)])
    desk.declare("prod", release={"web": put(STABLE, "slots.blue.revision", revision.name)})
    desk.catalogue(**edits)
    return desk


def difference(desk: Desk) -> Config:
    return desk.slipway("diff", "prod", "--json").json["services"]["web"]


def pending(desk: Desk) -> Any:
    return desk.slipway("status", "prod", "--json").json["services"]["web"]["pending"]


def test_nothing_is_pending_where_nothing_was_edited(desk: Desk) -> None:
    assert difference(pinned(desk))["changes"] == {}
    assert pending(desk) is None
    assert "no difference from the working tree" in desk.slipway("diff", "prod", "web").out


def test_each_edited_field_is_shown_with_both_values(desk: Desk) -> None:
    found = difference(pinned(desk, args=["--fast"], env={"BATCH": "8"}))
    assert found["changes"] == {
        "args": {"live": [], "tree": ["--fast"]},
        "env.BATCH": {"live": None, "tree": "8"},
    }
    assert (found["slot"], found["image"], found["command"]) == ("blue", IMAGE, "slipway release prod web")
    shown = desk.slipway("diff", "prod", "web").out
    assert "env.BATCH" in shown
    assert '"8"' in shown


def test_status_says_what_is_pending_and_what_releases_it(desk: Desk) -> None:
    said = "args and env.BATCH differ from what blue runs; `slipway release prod web` releases them"
    assert pending(pinned(desk, args=["--fast"], env={"BATCH": "8"})) == said
    assert "pending: args and env.BATCH" in " ".join(desk.slipway("status", "prod").out.split())


def test_rolling_applies_edits_at_the_next_update(desk: Desk) -> None:
    desk.catalogue(release={"strategy": "rolling"})
    stack = desk.stack()
    revision = Revision.of(Service(stack, "web").spec, SlotRelease())
    runs: Config = {"image": IMAGE, "config": "0" * 16, "content": {}, "revision": revision.name}
    found: Config = {
        "system": "shop", "environment": "prod", "stack": "prod", "service": "web", "live": runs,
        "slots": {"blue": runs}, "soak": 0, "fresh": 1, "revisions": {revision.name: revision.document()},
    }  # fmt: skip
    desk.pulumi.exports = {"services": {}, "delivery": {"web": found}}
    desk.catalogue(release={"strategy": "rolling"}, args=["--fast"])
    assert difference(desk)["command"] == "pulumi up -s prod"


def test_an_edited_entry_alone_can_be_released(desk: Desk) -> None:
    pinned(desk, args=["--fast"])
    assert desk.slipway("release", "prod", "web").code == 0
    run = desk.service().record().run
    assert run is not None
    assert run.target.image == IMAGE
    assert desk.service().revision(run.target).spec.args == ("--fast",)


def test_the_image_that_the_entry_names_is_what_a_release_takes(desk: Desk) -> None:
    pinned(desk)
    file = desk.folder / "catalog" / "shop.yaml"
    file.write_text(
        yaml.safe_dump({**yaml.safe_load(file.read_text()), "images": {"server": {"reference": OTHER_IMAGE}}})
    )
    assert desk.slipway("release", "prod", "web").code == 0
    run = desk.service().record().run
    assert run is not None
    assert run.target.image == OTHER_IMAGE


def test_a_release_records_the_digest_of_a_tag(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned(desk)
    named = {"registry.example.com/web:2": OTHER_IMAGE}
    monkeypatch.setattr(registry, "resolved", named.__getitem__)
    assert desk.slipway("release", "prod", "web", "--image", "registry.example.com/web:2").code == 0
    run = desk.service().record().run
    assert run is not None
    assert run.target.image == OTHER_IMAGE


def test_without_news_there_is_nothing_to_release(desk: Desk) -> None:
    assert "the catalogue entry has no pending changes" in pinned(desk).refused("release", "prod", "web", code=2)


def test_a_plan_shows_the_difference_too(desk: Desk) -> None:
    pinned(desk, args=["--fast"])
    document = desk.slipway("plan", "prod", "web", "--image", OTHER_IMAGE, "--json").json
    assert list(document["difference"]["changes"]) == ["args"]
