"""A slot runs what it is pinned to: an edited entry reaches it by a release alone, whatever field was edited."""

import copy
import json
from typing import Any

import pytest

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.pins import NO_PINS, Pins, Ran
from models.release import SlotRelease
from models.resolve import resolve
from models.revision import Revision
from models.service import ServiceSpec, SlotSpec
from models.stack import StackSettings
from models.system import notices
from tests.each import each
from tests.edits import BASE, CANARY, EDITED, catalogue
from tests.recording import DIGEST, Recorded, record
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted, entry, put, stack, store

GIVEN_BY_DIGEST = {"image"}
"""Fields that reach no object where the slot names its image itself."""


def settings(**slots: Config) -> StackSettings:
    given = {"keys": {"values": {"A": "a"}}, "more": {"values": {"B": "b"}}}
    data = stack(secrets=given, externals={"billing": {"url": "https://billing.example.com"}})
    data["images"] = dict.fromkeys(("server", "other"), IMAGE)
    return accepted(StackSettings, put(data, "release.web", {"slots": slots}) if slots else data)


def deployed(given: StackSettings, made: CatalogueEntry, pins: Pins = NO_PINS) -> Recorded:
    spec = resolve(given, made, pins)
    return record(lambda: System(spec.name, SystemArgs(spec=spec)) and None)


def of_slot(run: Recorded, slot: str) -> list[str]:
    """What the API server gets for a slot."""
    found = (one for one in run.manifests if one.name.startswith(f"web-{slot}-"))
    return sorted(json.dumps([one.type, one.inputs], sort_keys=True) for one in found)


def revision(made: CatalogueEntry, content: SlotRelease | None = None) -> Revision:
    return Revision.of(made.service_in("dev", "web"), content or SlotRelease())


@pytest.fixture(scope="module")
def before() -> Recorded:
    return deployed(without_external(settings(blue={"image": IMAGE})), catalogue())


def without_external(given: StackSettings) -> StackSettings:
    """A server outside that nobody talks to is refused."""
    return given.model_copy(update={"externals": {}})


def given_for(field: str, made: StackSettings) -> StackSettings:
    return made if field == "externals" else without_external(made)


def test_every_field_that_reaches_a_slot_is_edited_here() -> None:
    aliases = {info.alias for info in SlotSpec.model_fields.values()}
    assert EDITED.keys() == aliases


@pytest.mark.parametrize("field", EDITED)
def test_an_edit_leaves_a_pinned_slot_alone_and_reaches_the_one_that_a_release_fills(
    before: Recorded, field: str
) -> None:
    old, new = catalogue(), catalogue(**{field: EDITED[field]})
    revisions = {one.name: one for one in (revision(old), revision(new))}
    slots = {
        "blue": {"image": IMAGE, "revision": revision(old).name},
        "green": {"image": OTHER_IMAGE, "revision": revision(new).name},
    }
    run = deployed(given_for(field, settings(**slots)), new, Pins(revisions=revisions))
    assert of_slot(run, "blue") == of_slot(before, "blue")
    if field not in GIVEN_BY_DIGEST:
        assert as_blue(run) != of_slot(before, "blue")


def as_blue(run: Recorded) -> list[str]:
    """What the green slot's objects would be as the blue slot's, with its image."""
    return [text.replace("green", "blue").replace("9be1" * 16, DIGEST[7:]) for text in of_slot(run, "green")]


def test_without_an_edit_both_slots_run_the_same(before: Recorded) -> None:
    made = catalogue()
    pinned = {"revision": revision(made).name}
    given = without_external(settings(blue={"image": IMAGE, **pinned}, green={"image": OTHER_IMAGE, **pinned}))
    run = deployed(given, made, Pins(revisions={revision(made).name: revision(made)}))
    assert as_blue(run) == of_slot(run, "blue") == of_slot(before, "blue")


@each("field", EDITED)
def test_an_edit_is_pending_until_a_release_brings_it(field: str) -> None:
    old, new = catalogue(), catalogue(**{field: EDITED[field]})
    pinned = {"image": IMAGE, "revision": revision(old).name}
    spec = resolve(given_for(field, settings(blue=pinned)), new, Pins(revisions={revision(old).name: revision(old)}))
    *_, (line, warns) = notices(spec, "prod")
    assert line.startswith(f"web: {field}")
    assert line.endswith("what blue runs; `slipway release prod web` releases it") or "releases them" in line
    assert not warns


def test_what_the_last_update_ran_stays_without_a_pin() -> None:
    """A stack that was never released has no pins: its own outputs say what runs."""
    old, new = catalogue(), catalogue(args=["digits", "--fast"])
    pins = Pins(ran={"web": {"blue": Ran(image=IMAGE, revision=revision(old))}})
    given = without_external(settings())
    assert of_slot(deployed(given, new, pins), "blue") == of_slot(deployed(given, old), "blue")


def test_an_image_that_was_built_stays_until_a_release() -> None:
    built = without_external(settings()).model_copy(update={"images": {}, "image": accepted_image()})
    made = catalogue(calls=[])
    made = made.model_copy(update={"stores": {}})
    run = deployed(built, made, Pins(ran={"web": {"blue": Ran(image=IMAGE, revision=revision(made))}}))
    assert not run.of_kind("Image")
    assert run.one("Deployment").inputs["spec"]["template"]["spec"]["containers"][0]["image"] == IMAGE


def accepted_image() -> Any:
    return accepted(StackSettings, stack()).image


@pytest.mark.parametrize("keyword", [{"revision": "tree"}, None])
def test_the_keyword_and_rolling_follow_the_tree(keyword: Config | None) -> None:
    release = CANARY if keyword else {"strategy": "rolling"}
    blocks = {"release": release, "managementPort": 9090}
    old, new = catalogue(**blocks), catalogue(**blocks, args=["digits", "--fast"])
    given = without_external(settings(blue={"image": IMAGE, **(keyword or {})}))
    pins = Pins(ran={"web": {"blue": Ran(image=IMAGE, revision=revision(old))}})
    run = deployed(given, new, pins)
    assert run.one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]["containers"][0]["args"] == [
        "digits",
        "--fast",
    ]
    assert list(notices(resolve(given, new, pins), "prod")) == []


def test_what_an_older_program_deployed_follows_the_tree_once_more() -> None:
    """Its outputs say nothing of revisions; the first update of this program exports them."""
    new = catalogue(args=["digits", "--fast"])
    pins = Pins(ran={"web": {"blue": Ran(image=IMAGE)}})
    run = deployed(without_external(settings()), new, pins)
    assert run.one("Deployment", "web-blue").inputs["spec"]["template"]["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        ("secrets", "its revision's secrets: 'keys' is not a secret of kind variables (more)"),
        ("volumes", "its revision's mounts: 'data' is not a volume (none is declared)"),
        ("stores", "its revision's calls: 'cache' is not a service or store (web)"),
    ],
)
def test_what_a_pinned_slot_still_needs_may_not_leave_the_entry(removed: str, said: str) -> None:
    old = catalogue()
    data = entry(
        images={name: {"context": "serving"} for name in ("server", "other")},
        services={"web": {**BASE, "calls": [], "secrets": [], "mounts": {}}},
        stores={name: store() for name in ("cache", "queue")},
        secrets={"keys": {"keys": ["A"]}, "more": {"keys": ["B"]}},
        volumes={"data": {"size": "1Gi", "access": "ReadWriteMany"}},
    )
    data[removed] = {"more": {"keys": ["B"]}} if removed == "secrets" else {}
    given = settings(blue={"image": IMAGE, "revision": revision(old).name})
    stripped = copy.deepcopy(given).model_copy(update={"externals": {}})
    if removed == "secrets":
        stripped = stripped.model_copy(update={"secrets": {"more": given.secrets["more"]}})
    with pytest.raises(ConfigurationError) as raised:
        resolve(stripped, accepted(CatalogueEntry, data), Pins(revisions={revision(old).name: revision(old)}))
    assert [fault for fault in raised.value.faults if said in fault], raised.value.faults


def test_a_variable_of_a_pinned_slot_may_not_get_a_second_owner() -> None:
    old = catalogue(env={"C": "c"}, secrets=["keys"])
    secrets = {**old.secrets, "keys": old.secrets["keys"].model_copy(update={"keys": ("A", "C")})}
    given = settings(blue={"image": IMAGE, "revision": revision(old).name})
    made = without_external(given).model_copy(update={"secrets": {}})
    new = catalogue(env={}, secrets=["keys"]).model_copy(update={"secrets": secrets})
    with pytest.raises(ConfigurationError) as raised:
        resolve(made, new, Pins(revisions={revision(old).name: revision(old)}))
    assert raised.value.faults[-1] == (
        "slipway:release.web.slots.blue: in its revision, the variable C is set twice, by env and by secrets keys; "
        "undo this change of the entry until a release has replaced the slot"
    )


def test_services_share_one_account_with_what_either_slot_needs() -> None:
    old, new = catalogue(), catalogue(account=EDITED["account"])
    slots = {
        "blue": {"image": IMAGE, "revision": revision(old).name},
        "green": {"image": OTHER_IMAGE, "revision": revision(new).name},
    }
    revisions = {one.name: one for one in (revision(old), revision(new))}
    run = deployed(without_external(settings(**slots)), new, Pins(revisions=revisions))
    assert [rule["resources"] for rule in run.one("Role").inputs["rules"]] == [["configmaps"]]


def test_fields_of_both_slots_are_applied_at_once() -> None:
    """What belongs to the service is no part of a revision."""
    assert ServiceSpec.model_fields.keys() - SlotSpec.model_fields.keys() == {
        "exposure",
        "metrics_profile",
        "route",
        "monitoring",
        "release",
        "load",
    }


def quota_after(made: CatalogueEntry, old: CatalogueEntry) -> set[str]:
    """What the quota waits for, in an update from one entry to another."""
    ran = Pins(ran={"web": {"blue": Ran(image=IMAGE, revision=revision(old))}})
    run = deployed(without_external(settings(blue={"image": IMAGE})), made, ran)
    (quota,) = [one for one in run.manifests if one.inputs["kind"] == "ResourceQuota"]
    return {urn.rpartition("::")[2] for urn in quota.depends_on}


def sized(memory: str) -> CatalogueEntry:
    return catalogue(release={"strategy": "rolling"}, resources=put(BASE["resources"], "limits.memory", memory))


def test_a_quota_that_shrinks_waits_until_the_larger_pods_are_gone() -> None:
    """Else it admits no new pod beside the old ones, and those stay until a new one is ready."""
    assert "web-blue-deployment" in quota_after(sized("1Gi"), sized("2Gi"))


def test_a_quota_that_grows_or_stays_waits_for_no_pod() -> None:
    assert quota_after(sized("2Gi"), sized("1Gi")) == {"shop-namespace"}
    assert quota_after(sized("1Gi"), sized("1Gi")) == {"shop-namespace"}
