"""Keep one owner for a Deployment's number of pods: the stack, an HPA or KEDA.

Pulumi uses server-side apply. An apply that stops declaring ``spec.replicas`` resets the number to 1, and an apply that
declares it conflicts with an HPA or a person who has scaled the Deployment
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership). Hooks therefore run just
before the engine changes such an object: they delete old scalers and remove the ownership that stands in the way. The
engine and the new owner change the number itself; only the step from 0 pods to an HPA's minimum is the hook's.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pulumi

from components import labels, names

Json = dict[str, Any]

_ENGINE = "pulumi-kubernetes"
"""How the field manager of pulumi-kubernetes begins."""
_GONE_SECONDS, _PAUSE_SECONDS = 60.0, 0.5
"""Maximum wait until KEDA has removed the HPA of a deleted ScaledObject, and the pause between two reads."""
_TRIES = 5
"""Attempts to write an object that others change at the same time, such as the controllers that write its status."""


class ScaledSource(Protocol):
    """The API server's Deployments and the objects that scale them."""

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """Return an object as JSON, or None if it or its kind does not exist."""
        ...

    def replace(self, kind: str, namespace: str, name: str, content: Json) -> bool:
        """Write a whole object; return False if it changed since it was read."""
        ...

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object if it exists."""
        ...


@dataclass(frozen=True)
class ReplicaHooks:
    """The hooks that a system's Deployments, HPAs and ScaledObjects share."""

    deployment: pulumi.ResourceHook
    autoscaler: pulumi.ResourceHook
    scaled_object: pulumi.ResourceHook


def replica_hooks(source: ScaledSource) -> ReplicaHooks:
    """Return the hooks. Pulumi runs them in an update only, never in a preview."""
    return ReplicaHooks(
        pulumi.ResourceHook("one-owner-of-replicas", _on_each(source, _prepare_deployment)),
        pulumi.ResourceHook("enough-replicas-for-an-autoscaler", _on_each(source, _prepare_autoscaler)),
        pulumi.ResourceHook("no-autoscaler-beside-keda", _on_each(source, _prepare_scaled_object)),
    )


@dataclass(frozen=True)
class _Target:
    """The slot whose Deployment, HPA or ScaledObject is about to change."""

    source: ScaledSource
    namespace: str
    labels: Mapping[str, str]
    """The labels of each object of the slot."""
    spec: Mapping[str, Any]
    """The new spec of the object."""

    @property
    def name(self) -> str:
        """The name of the slot's Deployment and HPA."""
        return names.slot_name(self.labels[labels.SERVICE], self.labels[labels.SLOT])

    @property
    def scaled_object(self) -> str:
        """The name of the slot's ScaledObject, which may be shorter."""
        return names.scaled_object(self.labels[labels.SERVICE], self.labels[labels.SLOT])


def _on_each(source: ScaledSource, prepare: Callable[[_Target], None]) -> Callable[[pulumi.ResourceHookArgs], None]:
    def hook(args: pulumi.ResourceHookArgs) -> None:
        inputs = cast("Json", args.new_inputs or {})
        described = inputs["metadata"]
        prepare(_Target(source, described["namespace"], described["labels"], inputs["spec"]))

    return hook


def _prepare_deployment(target: _Target) -> None:
    """Before a Deployment is updated: delete the scalers of a declared number, and remove the old ownership."""
    declared = "replicas" in target.spec
    if declared:
        _remove(target, "HorizontalPodAutoscaler", target.name)
        _remove(target, "ScaledObject", target.scaled_object)
        _wait_until_gone(target, f"keda-hpa-{target.scaled_object}")
    _rewrite(target, lambda live: _released(live, declared=declared))


def _prepare_autoscaler(target: _Target) -> None:
    """Before an HPA is created: an HPA never scales from 0, which KEDA may have left."""

    def raised(live: Json) -> Json | None:
        if live["spec"].get("replicas") != 0:
            return None
        live["spec"]["replicas"] = target.spec["minReplicas"]
        return live

    _rewrite(target, raised)


def _prepare_scaled_object(target: _Target) -> None:
    """Before a ScaledObject is created: KEDA's webhook refuses one beside an HPA of the same Deployment."""
    _remove(target, "HorizontalPodAutoscaler", target.name)


def _remove(target: _Target, kind: str, name: str) -> None:
    """Delete an object if it exists and has the slot's labels."""
    found = target.source.find(kind, target.namespace, name)
    worn: Mapping[str, str] = (found or {}).get("metadata", {}).get("labels") or {}
    if worn.items() >= target.labels.items():
        target.source.delete(kind, target.namespace, name)
        pulumi.log.info(f"{target.name}: deleted its {kind}, because the stack no longer declares it")


def _wait_until_gone(target: _Target, autoscaler: str) -> None:
    deadline = time.monotonic() + _GONE_SECONDS
    while target.source.find("HorizontalPodAutoscaler", target.namespace, autoscaler) is not None:
        if time.monotonic() > deadline:
            raise RuntimeError(
                f"{target.name}: KEDA has not removed the HPA {autoscaler} within {_GONE_SECONDS:.0f} s, and it would "
                "change the declared number of replicas; see the log of keda-operator"
            )
        time.sleep(_PAUSE_SECONDS)


def _rewrite(target: _Target, change: Callable[[Json], Json | None]) -> None:
    """Write what ``change`` makes of the live Deployment, unless that is None; read again if it has changed."""
    for _ in range(_TRIES):
        live = target.source.find("Deployment", target.namespace, target.name)
        changed = None if live is None else change(live)
        if changed is None or target.source.replace("Deployment", target.namespace, target.name, changed):
            return
    raise RuntimeError(f"{target.name}: the Deployment changed during each of {_TRIES} attempts to write it; retry")


def _released(live: Json, *, declared: bool) -> Json | None:
    """Return the Deployment without the owners of ``spec.replicas`` that stand in the way; None if there are none.

    If the stack declares the number, all other owners stand in the way. If it does not, the engine does: its next apply
    omits the field, which would reset the number to 1.
    """
    entries = cast("list[Json]", live["metadata"].get("managedFields") or [])
    kept = [_without_replicas(one) if _in_the_way(one, declared=declared) else one for one in entries]
    if kept == entries:
        return None
    live["metadata"]["managedFields"] = kept
    return live


def _in_the_way(entry: Json, *, declared: bool) -> bool:
    engine = entry.get("operation") == "Apply" and str(entry.get("manager")).startswith(_ENGINE)
    return engine is not declared and "f:replicas" in entry.get("fieldsV1", {}).get("f:spec", {})


def _without_replicas(entry: Json) -> Json:
    changed = copy.deepcopy(entry)
    del changed["fieldsV1"]["f:spec"]["f:replicas"]
    return changed
