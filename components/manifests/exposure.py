"""The live Service: a service's address, which selects the pods that answer requests."""

from collections.abc import Mapping

from components import labels
from components.manifests.manifest import Json
from components.manifests.pod import PORT_NAME
from components.manifests.workload import further_ports, service_port
from models.exposure import Exposure
from models.protocol import AppProtocol
from models.release import ServiceRelease
from models.vocabulary import SlotName

_ALL = 100


def answering(release: ServiceRelease, *, routed: bool) -> tuple[SlotName, ...]:
    """Return the slots whose pods the live Service selects.

    With a route, the proxy splits requests and the live Service selects only the live slot. Without a route, the
    Service splits them. Between 0 and 100 percent, it selects both slots, and each slot gets the share of its pods.
    """
    other = release.canary
    if routed or other is None or release.weight == 0:
        return (release.live,)
    return (other,) if release.weight == _ALL else (release.live, other)


def selector(service: str, slots: tuple[SlotName, ...]) -> dict[str, str]:
    """Return the selector of the pods of one slot, or of both."""
    return labels.select_slot(service, slots[0]) if len(slots) == 1 else labels.select_service(service)


def live_service_spec(
    *,
    service: str,
    slots: tuple[SlotName, ...],
    exposure: Exposure,
    ports: Mapping[str, int],
    protocol: AppProtocol | None,
) -> Json:
    """Return the spec of the Service that callers use, and cloud load balancers if it is exposed.

    An exposed Service has no further port of the pods: metrics and the like are for the cluster alone.

    Annotations are not part of the spec: they belong to the metadata.
    """
    port = service_port(PORT_NAME, exposure.port, protocol)
    if exposure.node_port:
        port["nodePort"] = exposure.node_port
    described: Json = {
        "type": exposure.type,
        "selector": selector(service, slots),
        "ports": [port, *(() if exposure.public else further_ports(ports))],
    }
    if exposure.external_traffic_policy:
        described["externalTrafficPolicy"] = exposure.external_traffic_policy
    if exposure.load_balancer_class:
        described["loadBalancerClass"] = exposure.load_balancer_class
    if exposure.source_ranges:
        described["loadBalancerSourceRanges"] = list(exposure.source_ranges)
    return described
