"""What runs a slot: Deployment, private Service, HPA and PDB."""

from typing import TYPE_CHECKING

from components import labels, names
from components.manifests.pod import PORT_NAME
from models.scaling import Autoscaled, Disruption, Fixed
from models.service import ServiceSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.apps.v1 import DeploymentSpecArgsDict
    from pulumi_kubernetes.autoscaling.v2 import HorizontalPodAutoscalerSpecArgsDict
    from pulumi_kubernetes.core.v1 import PodTemplateSpecArgsDict, ServiceSpecArgsDict
    from pulumi_kubernetes.policy.v1 import PodDisruptionBudgetSpecArgsDict

REVISIONS = 2
"""Old ReplicaSets kept for `kubectl rollout undo`; a release's way back is the other slot."""


def deployment_spec(
    *, service: str, slot: str, spec: ServiceSpec, template: "PodTemplateSpecArgsDict"
) -> "DeploymentSpecArgsDict":
    """Describe a slot's Deployment. Under an HPA it names no ``replicas``: each update would reset the count."""
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
    """Describe a Service over one slot's pods."""
    return {
        "type": "ClusterIP",
        "selector": labels.select_slot(service, slot),
        "ports": [{"name": PORT_NAME, "port": 80, "target_port": PORT_NAME, "protocol": "TCP"}],
    }


def autoscaler_spec(*, service: str, slot: str, scaling: Autoscaled) -> "HorizontalPodAutoscalerSpecArgsDict":
    """Describe a slot's HPA; each slot scales with its own share of the load."""
    return {
        "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": names.slot_name(service, slot)},
        "min_replicas": scaling.min_replicas,
        "max_replicas": scaling.max_replicas,
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "average_utilization": scaling.metrics.cpu.utilization},
                },
            }
        ],
    }


def disruption_budget_spec(*, service: str, slot: str, disruption: Disruption) -> "PodDisruptionBudgetSpecArgsDict":
    """Describe a slot's PDB."""
    described: PodDisruptionBudgetSpecArgsDict = {
        "selector": {"match_labels": labels.select_slot(service, slot)},
        # A pod that is not ready serves nobody: it must never hold up a node drain.
        "unhealthy_pod_eviction_policy": "AlwaysAllow",
    }
    if disruption.max_unavailable is not None:
        described["max_unavailable"] = disruption.max_unavailable
    if disruption.min_available is not None:
        described["min_available"] = disruption.min_available
    return described
