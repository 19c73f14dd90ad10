"""A release is refused when it is composed if ``pulumi up`` would refuse a state that it declares."""

from pathlib import Path

import pytest
import yaml

from delivery.errors import Unreadable
from delivery.release.new_run import new_run
from delivery.release.service import Service
from delivery.run import driver
from models.release import SlotRelease
from models.revision import Revision
from tests.delivery.exporting import exporting
from tests.delivery.world import CANARY, SERVICE, STACK, TARGET, World, world
from tests.samples import IMAGE, Config

NO_MODEL = "slipway:release.web.slots.blue.model: the service web has no model; remove it"
FAULTY: Config = {"uri": "s3://models/digits/1"}


def edited(given: World, path: str, change: Config) -> None:
    """Merge a change into a file of the project, one level deep."""
    file = given.stack.project / path
    data = yaml.safe_load(file.read_text())
    for key, value in change.items():
        data[key] = {**data[key], **value}
    file.write_text(yaml.safe_dump(data))


def with_model_but_none_in_the_entry(given: World) -> World:
    blue = given.file["slipway:release"][SERVICE]["slots"]["blue"]
    slots = {"blue": {**blue, "model": FAULTY}}
    edited(given, f"Pulumi.{STACK}.yaml", {"config": {"slipway:release": {SERVICE: {"slots": slots}}}})
    return given


def test_a_release_in_place_may_mend_the_slot_that_it_replaces(tmp_path: Path) -> None:
    given = with_model_but_none_in_the_entry(world(tmp_path, {"strategy": "rolling"}))
    assert given.released().result == "promoted"


def test_a_release_beside_a_slot_that_cannot_be_deployed_is_refused(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY)
    lost = Revision.of(given.service.spec, SlotRelease())
    lost = lost.model_copy(update={"spec": lost.spec.model_copy(update={"secrets": ("database",)})})
    slots = {"blue": {"image": IMAGE, "revision": given.stack.revisions.add(lost)}}
    edited(given, f"Pulumi.{STACK}.yaml", {"config": {"slipway:release": {SERVICE: {"slots": slots}}}})
    with pytest.raises(Unreadable, match=r"slipway:release\.web\.slots\.blue: its revision's .*database"):
        new_run(given.service, TARGET, driver.now())


def test_a_new_version_that_cannot_be_deployed_is_refused(tmp_path: Path) -> None:
    given = world(tmp_path, {"strategy": "rolling"})
    target = SlotRelease.model_validate({"image": TARGET.image, "model": FAULTY})
    with pytest.raises(Unreadable, match=NO_MODEL):
        new_run(given.service, target, driver.now())


def test_a_plan_whose_digest_is_not_known_is_not_refused_for_that(tmp_path: Path) -> None:
    given = world(tmp_path)
    assert new_run(given.service, SlotRelease(), driver.now()).image is None


def test_a_plan_whose_digest_is_not_known_is_refused_for_what_runs(tmp_path: Path) -> None:
    given = with_model_but_none_in_the_entry(world(tmp_path))
    with pytest.raises(Unreadable, match=NO_MODEL):
        new_run(given.service, SlotRelease(), driver.now())


def test_what_an_unpinned_slot_of_another_service_runs_counts_as_in_an_update(tmp_path: Path) -> None:
    """It keeps what it ran at the last update, which may need what the entry no longer has."""
    given = exporting(tmp_path)
    given.stack.__dict__.pop("entry", None)
    catalogue = yaml.safe_load((tmp_path / "catalog/web.yaml").read_text())
    other = {**catalogue["services"][SERVICE], "route": {"host": "api.example.com"}}
    edited(given, "catalog/web.yaml", {"services": {"api": other}})
    edited(given, f"Pulumi.{STACK}.yaml", {"config": {"slipway:release": {
        **given.file["slipway:release"], "api": {"slots": {"blue": {"image": TARGET.image}}},
    }}})  # fmt: skip
    outputs = given.engine.outputs()
    api = Service(given.stack, "api")
    ran = Revision.of(api.spec, SlotRelease())
    needs = ran.model_copy(update={"spec": ran.spec.model_copy(update={"secrets": ("database",)})})
    evidence = outputs["delivery"][SERVICE]
    slot = {**evidence["slots"]["blue"], "revision": needs.name}
    outputs["delivery"]["api"] = evidence | {
        "service": "api", "live": slot, "slots": {"blue": slot}, "revisions": {needs.name: needs.document()},
    }  # fmt: skip
    with pytest.raises(Unreadable, match=r"slipway:release\.api\.slots\.blue: its revision's .*database"):
        new_run(given.service, TARGET, driver.now())
