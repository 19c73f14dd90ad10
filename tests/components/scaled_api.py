"""A small API server with the rules that decide who owns a Deployment's replicas.

Server-side apply, updates through the scale subresource, an HPA's controller, and KEDA with its webhook and finalizer.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

NAMESPACE, NAME = "shop", "web-blue"
LABELS = {"app.kubernetes.io/name": "web", "slipway.dev/slot": "blue"}
ENGINE = "pulumi-kubernetes-1a2b3c4d"
KEDA_HPA = f"keda-hpa-{NAME}"
_LATE = 3
"""Reads until KEDA's operator has removed the HPA of a deleted ScaledObject."""


class Conflict(Exception):
    """An apply changes a field that another manager owns."""


class Denied(Exception):
    """An admission webhook refuses."""


@dataclass
class ScaledApi:
    """One Deployment and what scales it. Each change records the number of replicas in ``counts``."""

    objects: dict[tuple[str, str], Json] = field(default_factory=dict[tuple[str, str], Json])
    counts: list[int] = field(default_factory=list[int])
    meanwhile: Callable[[], None] | None = None
    """What somebody does between a read and the write that follows."""
    operator_runs: bool = True
    _late: int = 0

    @property
    def deployment(self) -> Json:
        return self.objects["Deployment", NAME]

    @property
    def replicas(self) -> int:
        return int(self.deployment["spec"]["replicas"])

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        assert namespace == NAMESPACE
        self._operate()
        found = self.objects.get((kind, name))
        return copy.deepcopy(found)

    def replace(self, kind: str, namespace: str, name: str, content: Json) -> bool:
        assert namespace == NAMESPACE
        if self.meanwhile is not None:
            self.meanwhile()
        live = self.objects[kind, name]
        if live["metadata"]["resourceVersion"] != content["metadata"]["resourceVersion"]:
            return False
        changed = copy.deepcopy(content)
        if changed["spec"]["replicas"] != live["spec"]["replicas"]:  # an update takes the fields that it changes
            _disown(changed)
            changed["metadata"]["managedFields"].append(_entry("python", "Update"))
        self._write(kind, name, changed)
        return True

    def delete(self, kind: str, namespace: str, name: str) -> None:
        assert namespace == NAMESPACE
        if self.objects.pop((kind, name), None) is not None and kind == "ScaledObject":
            self._late = _LATE

    def apply(self, replicas: int | None, manager: str = ENGINE) -> None:
        """Server-side apply of the Deployment, with or without its number."""
        live: Json | None = self.objects.get(("Deployment", NAME))
        if live is None:
            metadata: Json = {"name": NAME, "labels": dict(LABELS), "managedFields": [], "resourceVersion": 0}
            live = {"metadata": metadata, "spec": {"replicas": 1}}
        changed: Json = copy.deepcopy(live)
        others = [one for one in _owners(changed) if one["manager"] != manager]
        if replicas is not None:
            if others and replicas != changed["spec"]["replicas"]:
                raise Conflict(f"conflict with {others[0]['manager']}: .spec.replicas")
            changed["spec"]["replicas"] = replicas
        elif any(one["manager"] == manager for one in _owners(changed)) and not others:
            changed["spec"]["replicas"] = 1  # nobody owns it any more: the default
        entries: list[Json] = changed["metadata"]["managedFields"]
        changed["metadata"]["managedFields"] = [
            one for one in entries if (one["manager"], one["operation"]) != (manager, "Apply")
        ]
        changed["metadata"]["managedFields"].append(_entry(manager, "Apply", owns=replicas is not None))
        self._write("Deployment", NAME, changed)

    def scale(self, replicas: int, manager: str = "kubectl") -> None:
        """Update the scale subresource: no conflict; the manager takes the field."""
        changed: Json = copy.deepcopy(self.deployment)
        if changed["spec"]["replicas"] == replicas:
            return
        _disown(changed)
        changed["spec"]["replicas"] = replicas
        changed["metadata"]["managedFields"].append({**_entry(manager, "Update"), "subresource": "scale"})
        self._write("Deployment", NAME, changed)

    def create_hpa(self, least: int, most: int, name: str = NAME) -> None:
        described: Json = {"metadata": {"name": name, "labels": dict(LABELS)}}
        described["spec"] = {"minReplicas": least, "maxReplicas": most}
        self.objects["HorizontalPodAutoscaler", name] = described

    def create_scaled_object(self, least: int, most: int) -> None:
        if ("HorizontalPodAutoscaler", NAME) in self.objects:
            raise Denied(f"the workload '{NAME}' is already managed by the hpa '{NAME}'")
        described = {"metadata": {"name": NAME, "labels": dict(LABELS)}, "spec": {"minReplicaCount": least}}
        self.objects["ScaledObject", NAME] = described
        self.create_hpa(max(least, 1), most, KEDA_HPA)

    def run_autoscaler(self, wanted: int) -> None:
        """One look of the HPA's controller, which wants so many replicas. It never scales from 0."""
        for (kind, _), found in list(self.objects.items()):
            if kind == "HorizontalPodAutoscaler" and self.replicas:
                least, most = found["spec"]["minReplicas"], found["spec"]["maxReplicas"]
                self.scale(min(max(wanted, least), most), "kube-controller-manager")

    def _operate(self) -> None:
        if self._late and self.operator_runs:
            self._late -= 1
            if not self._late:
                self.objects.pop(("HorizontalPodAutoscaler", KEDA_HPA), None)

    def _write(self, kind: str, name: str, content: Json) -> None:
        content["metadata"]["resourceVersion"] += 1
        self.objects[kind, name] = content
        self.counts.append(content["spec"]["replicas"])


def _entry(manager: str, operation: str, *, owns: bool = True) -> Json:
    fields: Json = {"f:spec": {"f:template": {}, **({"f:replicas": {}} if owns else {})}}
    return {"manager": manager, "operation": operation, "fieldsV1": fields}


def _owners(found: Json) -> list[Json]:
    return [one for one in found["metadata"]["managedFields"] if "f:replicas" in one["fieldsV1"]["f:spec"]]


def _disown(found: Json) -> None:
    for one in _owners(found):
        del one["fieldsV1"]["f:spec"]["f:replicas"]
