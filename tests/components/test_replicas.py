"""Replicas have one owner: every transition between a fixed number, a range and KEDA, with a person in between."""

from collections.abc import Callable, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pulumi
import pytest

from components import replicas
from components.names import scaled_object as scaled_object_name
from components.names import slot_name
from components.replicas import ReplicaHooks, replica_hooks
from tests.components.scaled_api import ENGINE, KEDA_HPA, LABELS, NAME, NAMESPACE, Conflict, Denied, ScaledApi

Json = dict[str, Any]

FIXED, RANGE, KEDA = ("fixed", 3, 3), ("range", 2, 6), ("keda", 2, 5)
"""Kind of owner, and the fewest and the most replicas that it declares."""
OTHERS = {"fixed": ("fixed", 4, 4), "range": ("range", 3, 8), "keda": ("keda", 3, 8)}
"""What a stack changes to within a kind."""


@pytest.fixture
def api() -> ScaledApi:
    return ScaledApi()


@pytest.fixture
def hooks(api: ScaledApi, monkeypatch: pytest.MonkeyPatch) -> ReplicaHooks:
    """The hooks' callbacks, without an engine that they are registered with."""
    monkeypatch.setattr(replicas, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(pulumi, "ResourceHook", unregistered)
    monkeypatch.setattr(pulumi.log, "info", str)
    return replica_hooks(api)


def unregistered(_name: str, callback: object) -> object:
    return callback


Owner = tuple[str, int, int]


def run(
    hook: pulumi.ResourceHook, spec: Json, name: str = NAME, labels: Mapping[str, str] = MappingProxyType(LABELS)
) -> None:
    described = {"namespace": NAMESPACE, "name": name, "labels": labels}
    cast("Callable[[object], None]", hook)(SimpleNamespace(new_inputs={"metadata": described, "spec": spec}))


def update(api: ScaledApi, hooks: ReplicaHooks, was: Owner | None, owner: Owner) -> None:
    """Do what the engine does: it updates and creates first, and deletes last."""
    kind, least, most = owner
    number = least if kind == "fixed" else None
    if was is None or (was[0] == "fixed") != (kind == "fixed") or (kind == "fixed" and was != owner):
        if was is not None:
            run(hooks.deployment, {} if number is None else {"replicas": number})
        api.apply(number)
        api.run_autoscaler(wanted=5)  # at any moment, also before the engine deletes it
    if was is None or was[0] != kind:
        if kind == "range":
            run(hooks.autoscaler, {"minReplicas": least})
            api.create_hpa(least, most)
        if kind == "keda":
            run(hooks.scaled_object, {"minReplicaCount": least})
            api.create_scaled_object(least, most)
    if was is not None and was[0] != kind:
        api.delete({"range": "HorizontalPodAutoscaler", "keda": "ScaledObject"}.get(was[0], "None"), NAMESPACE, NAME)
    for _ in range(3):  # until KEDA has removed its own HPA
        api.find("Deployment", NAMESPACE, NAME)


def after(api: ScaledApi, hooks: ReplicaHooks, was: Owner, wanted: int) -> None:
    """Bring a stack up, and let its autoscaler want a number of replicas."""
    update(api, hooks, None, was)
    api.run_autoscaler(wanted)
    api.counts.clear()


@pytest.mark.parametrize("was", [FIXED, RANGE, KEDA], ids=lambda one: one[0])
@pytest.mark.parametrize("to", ["fixed", "range", "keda"])
def test_every_transition_keeps_the_smaller_floor_and_meets_no_conflict(
    api: ScaledApi, hooks: ReplicaHooks, was: Owner, to: str
) -> None:
    owner = OTHERS[to]
    after(api, hooks, was, wanted=5)
    update(api, hooks, was, owner)
    api.run_autoscaler(wanted=5)
    kind, least, most = owner
    assert min([*api.counts, api.replicas]) >= min(was[1], least)
    assert least <= api.replicas <= most
    if kind == "fixed":
        api.run_autoscaler(wanted=7)
        assert api.replicas == least, "an autoscaler is left that changes the declared number"


@pytest.mark.parametrize("was", [FIXED, RANGE, KEDA], ids=lambda one: one[0])
def test_a_person_who_has_scaled_loses_against_the_next_declared_number(
    api: ScaledApi, hooks: ReplicaHooks, was: Owner
) -> None:
    after(api, hooks, was, wanted=3)
    api.scale(7)
    update(api, hooks, was, OTHERS["fixed"])
    assert api.replicas == 4
    api.scale(1)
    update(api, hooks, OTHERS["fixed"], FIXED)
    assert api.replicas == 3


def test_without_the_hooks_the_same_world_resets_conflicts_and_denies(api: ScaledApi) -> None:
    """The double can disappoint: these are the faults that the hooks prevent."""
    api.apply(3)
    api.apply(None)
    assert api.replicas == 1
    api.apply(3)
    api.scale(5)
    with pytest.raises(Conflict):
        api.apply(4)
    api.create_hpa(2, 4)
    with pytest.raises(Denied):
        api.create_scaled_object(2, 4)


def test_an_hpa_begins_above_zero_where_keda_had_none_to_run(api: ScaledApi, hooks: ReplicaHooks) -> None:
    idle = ("keda", 0, 5)
    update(api, hooks, None, idle)
    api.scale(0, "keda-operator")
    update(api, hooks, idle, RANGE)
    assert api.replicas == 2
    api.run_autoscaler(wanted=4)
    assert api.replicas == 4


@pytest.mark.parametrize(("owner", "spec"), [(FIXED, {"replicas": 3}), (RANGE, {})], ids=["fixed", "range"])
def test_an_update_that_changes_no_owner_writes_nothing_of_its_own(
    api: ScaledApi, hooks: ReplicaHooks, owner: Owner, spec: Json
) -> None:
    after(api, hooks, owner, wanted=3)
    run(hooks.deployment, spec)
    assert api.counts == []


def test_a_write_that_meets_another_is_tried_again(api: ScaledApi, hooks: ReplicaHooks) -> None:
    after(api, hooks, FIXED, wanted=3)
    writes = iter([4, 5])
    api.meanwhile = lambda: api.scale(next(writes, api.replicas))
    api.scale(6)
    update(api, hooks, FIXED, OTHERS["fixed"])
    assert api.replicas == 4


def test_writes_that_always_meet_another_end_in_one_line(api: ScaledApi, hooks: ReplicaHooks) -> None:
    after(api, hooks, FIXED, wanted=3)
    api.scale(9)
    api.meanwhile = lambda: api.scale(api.replicas + 1)
    with pytest.raises(RuntimeError, match="changed during each of 5 attempts to write it; retry"):
        run(hooks.deployment, {"replicas": 4})


def test_a_keda_that_does_not_let_go_ends_in_one_line(
    api: ScaledApi, hooks: ReplicaHooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "_GONE_SECONDS", 0)
    after(api, hooks, KEDA, wanted=3)
    api.operator_runs = False
    with pytest.raises(RuntimeError, match=f"KEDA has not removed the HPA {KEDA_HPA} within 0 s"):
        update(api, hooks, KEDA, FIXED)


def test_an_autoscaler_of_somebody_else_is_not_removed(api: ScaledApi, hooks: ReplicaHooks) -> None:
    after(api, hooks, FIXED, wanted=3)
    api.create_hpa(1, 9)
    api.objects["HorizontalPodAutoscaler", NAME]["metadata"]["labels"] = {"team": "ml"}
    run(hooks.deployment, {"replicas": 3})
    assert ("HorizontalPodAutoscaler", NAME) in api.objects


def test_a_tool_that_applies_its_own_number_keeps_it_while_the_stack_declares_none(
    api: ScaledApi, hooks: ReplicaHooks
) -> None:
    after(api, hooks, RANGE, wanted=3)
    api.apply(3, manager="argocd")
    run(hooks.deployment, {})
    owners = [one["manager"] for one in api.deployment["metadata"]["managedFields"] if one["operation"] == "Apply"]
    assert owners == [ENGINE, "argocd"]
    api.apply(None)
    assert api.replicas == 3


def test_a_deployment_that_does_not_exist_needs_nothing(api: ScaledApi, hooks: ReplicaHooks) -> None:
    run(hooks.deployment, {"replicas": 3})
    run(hooks.autoscaler, {"minReplicas": 2})
    assert api.objects == {}


def test_a_scaled_object_whose_name_is_shortened_is_found(api: ScaledApi, hooks: ReplicaHooks) -> None:
    """KEDA's names are limited to 54 characters, and a Deployment's to 63."""
    labels = {**LABELS, "app.kubernetes.io/name": "w" * 50}
    deployment, scaled_object = slot_name("w" * 50, "blue"), scaled_object_name("w" * 50, "blue")
    assert deployment != scaled_object
    for kind, name in (("HorizontalPodAutoscaler", deployment), ("ScaledObject", scaled_object)):
        api.objects[kind, name] = {"metadata": {"name": name, "labels": labels}}
    run(hooks.scaled_object, {}, scaled_object, labels)
    assert [*api.objects] == [("ScaledObject", scaled_object)]
    run(hooks.deployment, {"replicas": 3}, deployment, labels)
    assert api.objects == {}
