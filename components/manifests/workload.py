"""The workload of a slot: Deployment, private Service and PDB."""

from collections.abc import Mapping

from components import labels
from components.manifests.manifest import Json
from components.manifests.pod import PORT_NAME
from models.ports import PRIVATE_PORT
from models.protocol import SERVICE_NAMES, AppProtocol
from models.scaling import Disruption, Fixed
from models.service import ServiceSpec

REVISIONS = 2
"""Old ReplicaSets kept for `kubectl rollout undo`. A release rolls back to the other slot instead."""


def deployment_spec(*, service: str, slot: str, spec: ServiceSpec, template: Json) -> Json:
    """Return a slot's Deployment spec, without ``replicas`` if HPA or KEDA scales it: updates would reset the count."""
    described: Json = {
        "selector": {"matchLabels": labels.select_slot(service, slot)},
        "template": template,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {
                "maxUnavailable": spec.rollout.max_unavailable,
                "maxSurge": spec.rollout.max_surge,
            },
        },
        "progressDeadlineSeconds": spec.rollout.progress_deadline,
        "revisionHistoryLimit": REVISIONS,
    }
    if isinstance(spec.scaling, Fixed):
        described["replicas"] = spec.scaling.replicas
    return described


def service_spec(*, service: str, slot: str, ports: Mapping[str, int], protocol: AppProtocol | None) -> Json:
    """Return the spec of a slot's private Service, which is not reachable from outside the cluster."""
    return {
        "type": "ClusterIP",
        "selector": labels.select_slot(service, slot),
        "ports": [service_port(PORT_NAME, PRIVATE_PORT, protocol), *further_ports(ports)],
    }


def service_port(name: str, number: int, protocol: AppProtocol | None = None) -> Json:
    """Return a port of a Service that leads to the pods' port of the same name."""
    port: Json = {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}
    return {**port, "appProtocol": SERVICE_NAMES[protocol]} if protocol else port


def further_ports(ports: Mapping[str, int]) -> list[Json]:
    """Return a Service's ports for the pods' further ports, which have the same numbers in both."""
    return [service_port(name, number) for name, number in ports.items()]


def disruption_budget_spec(*, service: str, slot: str, disruption: Disruption) -> Json:
    """Return the spec of a slot's PDB."""
    described: Json = {
        "selector": {"matchLabels": labels.select_slot(service, slot)},
        # A pod that is not ready serves no requests, so it must never block a node drain.
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    if disruption.max_unavailable is not None:
        described["maxUnavailable"] = disruption.max_unavailable
    if disruption.min_available is not None:
        described["minAvailable"] = disruption.min_available
    return described
