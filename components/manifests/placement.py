"""The part of a pod spec that says where the pod may run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from models.scheduling import NodeAffinity, Scheduling, Toleration

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import (
        AffinityArgsDict,
        NodeAffinityArgsDict,
        NodeSelectorTermArgsDict,
        PodAffinityTermArgsDict,
        PodAntiAffinityArgsDict,
        PodSpecArgsDict,
        TolerationArgsDict,
        TopologySpreadConstraintArgsDict,
    )

_DOMAINS = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
_WEIGHT = 100
"""The maximum weight of a preference (1 to 100). All preferences have the same weight."""


def placed(pod: "PodSpecArgsDict", scheduling: Scheduling, selector: dict[str, str]) -> "PodSpecArgsDict":
    """Return the pod with its placement. ``selector`` finds the pods that it is kept apart from."""
    spread: list[TopologySpreadConstraintArgsDict] = [
        {
            "max_skew": 1,
            "topology_key": _DOMAINS[domain],
            # A preference, not a requirement: a cluster with one node must still run two replicas.
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": selector},
        }
        for domain in scheduling.spread
    ]
    somewhere: PodSpecArgsDict = {**pod, "topology_spread_constraints": spread}
    if scheduling.node_selector:
        somewhere["node_selector"] = scheduling.node_selector
    if scheduling.tolerations:
        somewhere["tolerations"] = [_toleration(toleration) for toleration in scheduling.tolerations]
    if scheduling.priority_class:
        somewhere["priority_class_name"] = scheduling.priority_class
    if scheduling.runtime_class:
        somewhere["runtime_class_name"] = scheduling.runtime_class
    if affinity := _affinity(scheduling, selector):
        somewhere["affinity"] = affinity
    return somewhere


def _toleration(toleration: Toleration) -> "TolerationArgsDict":
    if toleration.value is None:
        return {"key": toleration.key, "operator": "Exists", "effect": toleration.effect}
    return {"key": toleration.key, "operator": "Equal", "value": toleration.value, "effect": toleration.effect}


def _affinity(scheduling: Scheduling, selector: dict[str, str]) -> "AffinityArgsDict":
    described: AffinityArgsDict = {}
    if scheduling.node_affinity != NodeAffinity():
        described["node_affinity"] = _nodes(scheduling.node_affinity)
    if scheduling.apart:
        described["pod_anti_affinity"] = _apart(scheduling.apart, selector)
    return described


def _nodes(affinity: NodeAffinity) -> "NodeAffinityArgsDict":
    """Return the node affinity. One matching term is enough, but all expressions in a term must match."""
    described: NodeAffinityArgsDict = {}
    if affinity.required:
        every = _term(affinity.required)
        described["required_during_scheduling_ignored_during_execution"] = {"node_selector_terms": [every]}
    if affinity.preferred:
        described["preferred_during_scheduling_ignored_during_execution"] = [
            {"weight": _WEIGHT, "preference": _term({key: values})} for key, values in affinity.preferred.items()
        ]
    return described


def _term(wanted: Mapping[str, Sequence[str]]) -> "NodeSelectorTermArgsDict":
    expressions = [{"key": key, "operator": "In", "values": list(values)} for key, values in wanted.items()]
    return {"match_expressions": expressions}  # pyright: ignore[reportReturnType]


def _apart(strength: str, selector: dict[str, str]) -> "PodAntiAffinityArgsDict":
    term: PodAffinityTermArgsDict = {
        "topology_key": _DOMAINS["node"],
        "label_selector": {"match_labels": selector},
    }
    if strength == "required":
        return {"required_during_scheduling_ignored_during_execution": [term]}
    return {
        "preferred_during_scheduling_ignored_during_execution": [{"weight": _WEIGHT, "pod_affinity_term": term}],
    }
