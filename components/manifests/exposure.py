"""The live Service: the address of a service, over the pods of its live slot."""

from typing import TYPE_CHECKING

from components import labels
from components.manifests.pod import PORT_NAME
from models.exposure import Exposure

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import ServicePortArgsDict, ServiceSpecArgsDict


def live_service_spec(*, service: str, slot: str, exposure: Exposure) -> "ServiceSpecArgsDict":
    """Describe the Service that callers use, and cloud load balancers where it is exposed.

    Annotations are not part of it: they go to its metadata.
    """
    port: ServicePortArgsDict = {
        "name": PORT_NAME,
        "port": exposure.port,
        "target_port": PORT_NAME,
        "protocol": "TCP",
    }
    if exposure.node_port:
        port["node_port"] = exposure.node_port
    described: ServiceSpecArgsDict = {
        "type": exposure.type,
        "selector": labels.select_slot(service, slot),
        "ports": [port],
    }
    if exposure.external_traffic_policy:
        described["external_traffic_policy"] = exposure.external_traffic_policy
    if exposure.load_balancer_class:
        described["load_balancer_class"] = exposure.load_balancer_class
    if exposure.source_ranges:
        described["load_balancer_source_ranges"] = list(exposure.source_ranges)
    return described
