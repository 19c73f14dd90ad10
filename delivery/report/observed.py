"""Reads a service's release from the cluster: the ready pods, and the split that its proxy is configured with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast, get_args

from components import labels, names
from components.manifests.ingress import PREFIX
from delivery.cluster.client import Cluster, Json
from delivery.cluster.valve import split_path
from delivery.plan.stages import ALL
from models.release import ServiceRelease
from models.service import ServiceSpec
from models.vocabulary import SlotName

SLOTS: tuple[SlotName, ...] = get_args(SlotName)
_WEIGHT = f"{PREFIX}canary-weight"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One service as found in the cluster."""

    ready: Mapping[str, int]
    """Ready pods of each slot that exists."""
    weights: Mapping[str, int]
    """Percentage of requests that each slot gets; empty if nothing routes to the service."""
    exact: bool = True
    """Whether an object declares the weights; otherwise they follow from the pods behind one Service."""

    def document(self) -> Json:
        """Return the pods and weights as JSON data."""
        return {"readyPods": dict(self.ready), "weights": dict(self.weights)}

    def differences(self, release: ServiceRelease) -> Iterator[str]:
        """Yield each difference between the cluster and the declared release."""
        for slot in release.slots:
            declared, found = release.weight_of(slot), self.weights.get(slot, 0)
            if found != declared if self.exact else bool(found) != bool(declared):
                yield f"weight of {slot}: {declared} % declared, {found} % in the cluster"
            if slot not in self.ready:
                yield f"{slot}: declared, but not in the cluster"
            elif not self.ready[slot] and declared:
                yield f"{slot}: {declared} % of the requests, but no pod is ready"
        for slot in self.ready.keys() - release.slots.keys():
            yield f"{slot}: in the cluster, but not declared"


def see(cluster: Cluster, namespace: str, service: str, spec: ServiceSpec, driver: str) -> Seen:
    """Read a service from the API server; raises DeliveryError if the API server does not answer."""
    space = f"namespaces/{namespace}"
    ready: dict[str, int] = {}
    for slot in SLOTS:
        found = cluster.get(f"/apis/apps/v1/{space}/deployments/{names.slot_name(service, slot)}")
        if found is not None:
            ready[slot] = int(found.get("status", {}).get("readyReplicas", 0))
    split = cluster.get(split_path(namespace, service, spec, driver))
    if spec.route is None:
        return Seen(ready=ready, weights=_selected(split, ready), exact=False)
    if driver == "gateway":
        return Seen(ready=ready, weights=_referenced(split, service))
    main = cluster.get(f"/apis/networking.k8s.io/v1/{space}/ingresses/{service}")
    return Seen(ready=ready, weights=_annotated(main, split, service))


def _annotated(main: Json | None, canary: Json | None, service: str) -> dict[str, int]:
    """Return the weights that the main Ingress and the canary Ingress declare."""
    slots = {names.slot_name(service, slot): slot for slot in SLOTS}
    behind = [slots.get(_backend(found)) if found else None for found in (main, canary)]
    weight = int(canary["metadata"].get("annotations", {}).get(_WEIGHT, 0)) if canary else 0
    given = zip(behind, (ALL - weight, weight), strict=True)
    return {slot: percent for slot, percent in given if slot is not None}


def _backend(ingress: Json) -> str:
    return str(ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"])


def _referenced(route: Json | None, service: str) -> dict[str, int]:
    """Return the weights of the HTTPRoute rule for requests that no other rule matches: the one with most backends."""
    if route is None:
        return {}
    rules = cast("list[dict[str, list[Json]]]", route["spec"].get("rules", []))
    backends = max((rule.get("backendRefs") or [] for rule in rules), key=len, default=list[Json]())
    weights = {str(backend["name"]): int(backend.get("weight", 1)) for backend in backends}
    total = sum(weights.values()) or 1
    slots = {names.slot_name(service, slot): slot for slot in SLOTS}
    return {slots[name]: round(ALL * weight / total) for name, weight in weights.items() if name in slots}


def _selected(service: Json | None, ready: Mapping[str, int]) -> dict[str, int]:
    """Return the weights that follow from the pods behind a Service."""
    if service is None:
        return {}
    chosen = service["spec"].get("selector", {}).get(labels.SLOT)
    behind = {slot: pods for slot, pods in ready.items() if chosen in (None, slot)}
    total = sum(behind.values()) or 1
    return {slot: round(ALL * pods / total) for slot, pods in behind.items()}
