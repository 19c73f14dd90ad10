"""The workload of a slot: Deployment, private Service and PDB."""

from typing import TYPE_CHECKING

from components import labels
from components.manifests.pod import PORT_NAME
from models.scaling import Disruption, Fixed
from models.service import ServiceSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.apps.v1 import DeploymentSpecArgsDict
    from pulumi_kubernetes.core.v1 import PodTemplateSpecArgsDict, ServiceSpecArgsDict
    from pulumi_kubernetes.policy.v1 import PodDisruptionBudgetSpecArgsDict

PRIVATE_PORT = 80
"""Port of a slot's private Service."""
REVISIONS = 2
"""Old ReplicaSets kept for `kubectl rollout undo`. A release rolls back to the other slot instead."""


def deployment_spec(
    *, service: str, slot: str, spec: ServiceSpec, template: "PodTemplateSpecArgsDict"
) -> "DeploymentSpecArgsDict":
    """Return a slot's Deployment spec, without ``replicas`` if HPA or KEDA scales it: updates would reset the count."""
    described: DeploymentSpecArgsDict = {
        "selector": {"match_labels": labels.select_slot(service, slot)},
        "template": template,
        "strategy": {
            "type": "RollingUpdate",
            "rolling_update": {
                "max_unavailable": spec.rollout.max_unavailable,
                "max_surge": spec.rollout.max_surge,
            },
        },
        "progress_deadline_seconds": spec.rollout.progress_deadline,
        "revision_history_limit": REVISIONS,
    }
    if isinstance(spec.scaling, Fixed):
        described["replicas"] = spec.scaling.replicas
    return described


def service_spec(*, service: str, slot: str) -> "ServiceSpecArgsDict":
    """Return the spec of a slot's private Service, which is not reachable from outside the cluster."""
    return {
        "type": "ClusterIP",
        "selector": labels.select_slot(service, slot),
        "ports": [{"name": PORT_NAME, "port": PRIVATE_PORT, "target_port": PORT_NAME, "protocol": "TCP"}],
    }


def disruption_budget_spec(*, service: str, slot: str, disruption: Disruption) -> "PodDisruptionBudgetSpecArgsDict":
    """Return the spec of a slot's PDB."""
    described: PodDisruptionBudgetSpecArgsDict = {
        "selector": {"match_labels": labels.select_slot(service, slot)},
        # A pod that is not ready serves no requests, so it must never block a node drain.
        "unhealthy_pod_eviction_policy": "AlwaysAllow",
    }
    if disruption.max_unavailable is not None:
        described["max_unavailable"] = disruption.max_unavailable
    if disruption.min_available is not None:
        described["min_available"] = disruption.min_available
    return described
