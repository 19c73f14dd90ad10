"""What the real ``__main__.py`` refuses because an update would delete or replace it with its data."""

import copy
from typing import Any

import pytest

import catalog
from components.losses import stale_permissions
from components.recorded import recorded
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.program.standing import OWN, Cluster, deployed_state, theirs
from tests.recording import Recorded, State, refusal_of, run_main
from tests.samples import Config, accepted, entry, job, put, runnable, service, stack, store

VOLUME: Config = {"size": "5Gi", "storageClass": "fast", "access": "ReadWriteOnce"}
SHOP: Config = entry(
    volumes={"hub": VOLUME},
    stores={"queue": store()},
    services={"web": service(mounts={"hub": "/hub"})},
    environments={"dev": {"jobs": {"train": job()}}},
)
STACK: Config = stack("dev")


def serve(patch: pytest.MonkeyPatch, data: Config) -> None:
    """Have the catalogue hold one entry."""

    def read(_name: str) -> Config:
        return copy.deepcopy(data)

    patch.setattr(catalog, "read", read)


@pytest.fixture(scope="module")
def state() -> State:
    """A shop with a store and a volume after its first update."""
    with pytest.MonkeyPatch.context() as patch:
        serve(patch, SHOP)
        return deployed_state(STACK)


@pytest.fixture(autouse=True)
def deployed_there(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(namespaces={"shop-dev": theirs(system="shop")}).reached(monkeypatch)


def refused(data: Config, state: State, patch: pytest.MonkeyPatch, config: Config = STACK) -> str:
    """Return the one line that preview and update both end with."""
    serve(patch, data)
    (line,) = refusal_of(config, state=state)
    assert refusal_of(config, state=state, preview=True) == [line]
    return line


def taken(data: Config, state: State, patch: pytest.MonkeyPatch, config: Config = STACK) -> Recorded:
    serve(patch, data)
    return run_main(config, state=state)


def test_an_unchanged_system_loses_nothing(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(taken(SHOP, state, monkeypatch).of_kind("PersistentVolumeClaim")) == 2


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("storageClass", "slow", "storageClass fast → slow"),
        ("storageClass", None, "storageClass fast → cluster default"),
        ("access", "ReadWriteMany", "access ReadWriteOnce → ReadWriteMany"),
    ],
)
def test_a_changed_field_that_a_claim_keeps_for_life_is_refused(
    state: State, monkeypatch: pytest.MonkeyPatch, field: str, value: str | None, told: str
) -> None:
    changed = put(SHOP, f"volumes.hub.{field}", value)
    line = refused(changed, state, monkeypatch)
    assert line == (
        f"slipway:system.discard: the data of claim/hub ({told}: these fields of a claim are immutable) would be lost; "
        "keep the previous declaration and move the data first (docs/data.md), or, to lose the data, "
        "set discard: [claim/hub]"
    )
    taken(changed, state, monkeypatch, put(STACK, "system.discard", ["claim/hub"]))


def test_a_claim_may_grow_and_not_shrink(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    taken(put(SHOP, "volumes.hub.size", "6Gi"), state, monkeypatch)
    line = refused(
        put(SHOP, "volumes.hub.size", "4Gi"), state, monkeypatch, put(STACK, "system.discard", ["claim/hub"])
    )
    assert line.startswith("claim/hub: its size cannot change from 5Gi to 4Gi: Kubernetes only expands claims")


def without(data: Config, *names: str) -> Config:
    """Drop a volume or store, with what uses it."""
    return {
        **data,
        "volumes": {key: value for key, value in data["volumes"].items() if key not in names},
        "stores": {key: value for key, value in data["stores"].items() if key not in names},
        "services": {"web": service()},
    }


def test_a_volume_or_store_that_is_no_longer_declared_is_refused(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    line = refused(without(SHOP, "hub", "queue"), state, monkeypatch)
    lost = ["claim/hub", "claim/queue-data", "statefulset/queue"]
    assert all(f"{name} (no longer declared)" in line for name in lost)
    assert line.endswith(f"discard: [{', '.join(lost)}]")
    allowed = put(STACK, "system.discard", lost[1:])
    assert "claim/hub" in refused(without(SHOP, "hub", "queue"), state, monkeypatch, allowed)
    taken(without(SHOP, "hub", "queue"), state, monkeypatch, put(STACK, "system.discard", lost))


def test_another_namespace_is_refused(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = put(STACK, "system.namespace", "elsewhere")
    line = refused(SHOP, state, monkeypatch, moved)
    assert "namespace/shop-dev (the stack file now sets elsewhere)" in line
    taken(SHOP, state, monkeypatch, put(moved, "system.discard", ["namespace/shop-dev"]))


def test_a_namespace_that_the_stack_owns_is_not_given_up(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = {**STACK, "system": {**STACK["system"], "existingNamespace": True}}
    line = refused(SHOP, state, monkeypatch, given_up)
    assert "namespace/shop-dev (the stack owns it, and existingNamespace would remove it from the stack)" in line


def test_a_renamed_entry_carries_over_what_it_had(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed = put(put(STACK, "system.entry", "store"), "system.namespace", "shop-dev")
    run = taken({**SHOP, "name": "store"}, state, monkeypatch, renamed)
    assert {r.name: r.aliases for r in run.resources if r.aliases}["store-cluster"] == ("shop-cluster",)
    (system,) = (r for r in run.resources if r.type == "slipway:components:System")
    assert system.aliases == ("shop",), "what is below it gets its alias from this one"
    before = {name for name in (urn.rpartition("::")[2] for urn in state.resources) if name.startswith("shop")}
    after = {f"shop{r.name.removeprefix('store')}" for r in run.resources if r.name.startswith("store")}
    assert before == after, "every name that holds the entry's starts with it"


def test_a_renamed_entry_in_a_namespace_of_its_new_name_is_refused(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = refused({**SHOP, "name": "store"}, state, monkeypatch, put(STACK, "system.entry", "store"))
    assert "namespace/shop-dev (the stack file now sets store-dev)" in line


def spec(**system: Any) -> SystemSpec:
    given = accepted(StackSettings, {**STACK, "system": {**STACK["system"], **system}})
    return resolve(given, accepted(CatalogueEntry, SHOP))


def test_a_permission_that_nothing_needs_is_pointed_out(state: State) -> None:
    known = recorded(None, [(r["type"], urn, r["outputs"]) for urn, r in state.resources.items()])
    assert known.namespace is not None
    assert (known.system, known.namespace["uid"], known.stateful_sets) == ("shop", OWN, {"queue"})
    (line,) = stale_permissions(spec(discard=["claim/hub"]), known)
    assert line == "slipway:system.discard: this update does not delete claim/hub; remove it from the list"


def test_every_shipped_stack_loses_nothing_when_it_is_deployed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    config = runnable("dev")
    state = deployed_state(config)
    Cluster(namespaces={"classifier-dev": theirs()}).reached(monkeypatch)
    run_main(config, state=state)
