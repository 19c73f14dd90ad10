"""The part of a pod spec that says where the pod may run."""

from collections.abc import Mapping, Sequence

from components.manifests.manifest import Json
from models.scheduling import NodeAffinity, Scheduling, Toleration

_DOMAINS = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
_WEIGHT = 100
"""The maximum weight of a preference (1 to 100). All preferences have the same weight."""


def placed(pod: Json, scheduling: Scheduling, selector: dict[str, str]) -> Json:
    """Return the pod with its placement. ``selector`` finds the pods that it is kept apart from."""
    spread: list[Json] = [
        {
            "maxSkew": 1,
            "topologyKey": _DOMAINS[domain],
            # A preference, not a requirement: a cluster with one node must still run two replicas.
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector},
        }
        for domain in scheduling.spread
    ]
    somewhere: Json = {**pod, "topologySpreadConstraints": spread}
    if scheduling.node_selector:
        somewhere["nodeSelector"] = scheduling.node_selector
    if scheduling.tolerations:
        somewhere["tolerations"] = [_toleration(toleration) for toleration in scheduling.tolerations]
    if scheduling.priority_class:
        somewhere["priorityClassName"] = scheduling.priority_class
    if scheduling.runtime_class:
        somewhere["runtimeClassName"] = scheduling.runtime_class
    if affinity := _affinity(scheduling, selector):
        somewhere["affinity"] = affinity
    return somewhere


def _toleration(toleration: Toleration) -> Json:
    if toleration.value is None:
        return {"key": toleration.key, "operator": "Exists", "effect": toleration.effect}
    return {"key": toleration.key, "operator": "Equal", "value": toleration.value, "effect": toleration.effect}


def _affinity(scheduling: Scheduling, selector: dict[str, str]) -> Json:
    described: Json = {}
    if scheduling.node_affinity != NodeAffinity():
        described["nodeAffinity"] = _nodes(scheduling.node_affinity)
    if scheduling.apart:
        described["podAntiAffinity"] = _apart(scheduling.apart, selector)
    return described


def _nodes(affinity: NodeAffinity) -> Json:
    """Return the node affinity. One matching term is enough, but all expressions in a term must match."""
    described: Json = {}
    if affinity.required:
        every = _term(affinity.required)
        described["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [every]}
    if affinity.preferred:
        described["preferredDuringSchedulingIgnoredDuringExecution"] = [
            {"weight": _WEIGHT, "preference": _term({key: values})} for key, values in affinity.preferred.items()
        ]
    return described


def _term(wanted: Mapping[str, Sequence[str]]) -> Json:
    expressions = [{"key": key, "operator": "In", "values": list(values)} for key, values in wanted.items()]
    return {"matchExpressions": expressions}


def _apart(strength: str, selector: dict[str, str]) -> Json:
    term: Json = {
        "topologyKey": _DOMAINS["node"],
        "labelSelector": {"matchLabels": selector},
    }
    if strength == "required":
        return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": _WEIGHT, "podAffinityTerm": term}],
    }
