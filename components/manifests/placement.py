"""The part of a pod that says where it may run."""

from typing import TYPE_CHECKING

from models.scheduling import Scheduling, Toleration

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import (
        AffinityArgsDict,
        PodAffinityTermArgsDict,
        PodSpecArgsDict,
        TolerationArgsDict,
        TopologySpreadConstraintArgsDict,
    )

_DOMAINS = {"node": "kubernetes.io/hostname", "zone": "topology.kubernetes.io/zone"}
_WEIGHT = 100
"""The most that a preference may weigh (1 to 100): it is the only one."""


def placed(pod: "PodSpecArgsDict", scheduling: Scheduling, selector: dict[str, str]) -> "PodSpecArgsDict":
    """Give the pod with its placement; ``selector`` finds the pods that it is kept apart from."""
    spread: list[TopologySpreadConstraintArgsDict] = [
        {
            "max_skew": 1,
            "topology_key": _DOMAINS[domain],
            # Prefer, not insist: a cluster of one node must still run two replicas.
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
    if scheduling.apart:
        somewhere["affinity"] = _apart(scheduling.apart, selector)
    return somewhere


def _toleration(toleration: Toleration) -> "TolerationArgsDict":
    if toleration.value is None:
        return {"key": toleration.key, "operator": "Exists", "effect": toleration.effect}
    return {"key": toleration.key, "operator": "Equal", "value": toleration.value, "effect": toleration.effect}


def _apart(strength: str, selector: dict[str, str]) -> "AffinityArgsDict":
    term: PodAffinityTermArgsDict = {
        "topology_key": _DOMAINS["node"],
        "label_selector": {"match_labels": selector},
    }
    if strength == "required":
        return {"pod_anti_affinity": {"required_during_scheduling_ignored_during_execution": [term]}}
    preferred = {"weight": _WEIGHT, "pod_affinity_term": term}
    return {"pod_anti_affinity": {"preferred_during_scheduling_ignored_during_execution": [preferred]}}  # pyright: ignore[reportReturnType]
