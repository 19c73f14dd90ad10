"""How requests reach a service: the live Service, its Ingresses, and the monitor over both slots."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import SKIP_AWAIT
from components.manifests import ingress, monitor, workload
from models.cluster import ClusterSettings
from models.monitoring import Monitoring
from models.release import ServiceRelease
from models.routing import Route
from models.service import ServiceSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class TrafficArgs:
    """What is routed where."""

    system: str
    namespace: pulumi.Output[str]
    service: str
    spec: ServiceSpec
    release: ServiceRelease
    cluster: ClusterSettings
    ready: Mapping[SlotName, Sequence[pulumi.Resource]]
    """Per slot, what must be up before requests are sent to it."""


@dataclass(frozen=True, kw_only=True)
class _Entrance:
    """One Ingress: these hosts reach this Service, which has the pods of this slot."""

    role: str
    name: str
    hosts: tuple[str, ...]
    backend: str
    slot: SlotName
    annotations: dict[str, str] = field(default_factory=dict[str, str])


class Traffic(pulumi.ComponentResource):
    """Live Service, main, stable and canary Ingress, and ServiceMonitor of one service.

    The main Ingress names the live slot's *private* Service. Proxies attach a canary to the Service of the main rule,
    so a Service shared with other hosts would leak the canary to them; those hosts get the live Service instead.
    """

    def __init__(self, name: str, args: TrafficArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Traffic", name, None, opts)
        self._live_service(name, args)
        if args.spec.route is not None:
            for entrance in _entrances(args.service, args.spec.route, args.release):
                self._ingress(f"{name}-{entrance.role}", args, args.spec.route, entrance)
        if args.spec.monitoring is not None and args.cluster.monitoring:
            self._monitor(name, args, args.spec.monitoring)
        self.register_outputs({})

    def _live_service(self, name: str, args: TrafficArgs) -> None:
        k8s.core.v1.Service(
            f"{name}-live",
            metadata={**_metadata(args, args.service), "annotations": SKIP_AWAIT},
            spec=workload.service_spec(service=args.service, slot=args.release.live),
            opts=self._behind(args, args.release.live),
        )

    def _ingress(self, name: str, args: TrafficArgs, route: Route, entrance: _Entrance) -> None:
        k8s.networking.v1.Ingress(
            name,
            metadata={**_metadata(args, entrance.name), "annotations": {**SKIP_AWAIT, **entrance.annotations}},
            spec=ingress.ingress_spec(
                route=route,
                hosts=entrance.hosts,
                backend=entrance.backend,
                ingress_class=args.cluster.ingress_class,
            ),
            opts=self._behind(args, entrance.slot),
        )

    def _monitor(self, name: str, args: TrafficArgs, monitoring: Monitoring) -> None:
        metadata = _metadata(args, args.service)
        metadata["labels"] = {**monitoring.labels, **labels.of_service(args.system, args.service)}
        k8s.apiextensions.CustomResource(
            f"{name}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=metadata,
            spec=monitor.service_monitor_spec(service=args.service, monitoring=monitoring),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _behind(self, args: TrafficArgs, slot: SlotName) -> pulumi.ResourceOptions:
        """Order a route behind the slot that it leads to: a slot that never gets ready never gets requests."""
        return pulumi.ResourceOptions(parent=self, depends_on=args.ready[slot])


def _entrances(service: str, route: Route, release: ServiceRelease) -> Iterator[_Entrance]:
    live, canary = release.live, release.canary
    yield _Entrance(role="main", name=service, hosts=(route.host,), backend=names.slot_name(service, live), slot=live)
    if route.stable_hosts:
        yield _Entrance(
            role="stable", name=names.stable_name(service), hosts=route.stable_hosts, backend=service, slot=live
        )
    if canary is not None:
        yield _Entrance(
            role="canary",
            name=names.canary_name(service),
            hosts=(route.host,),
            backend=names.slot_name(service, canary),
            slot=canary,
            annotations=ingress.canary_annotations(release),
        )


def _metadata(args: TrafficArgs, name: str) -> k8s.meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": args.namespace, "labels": labels.of_service(args.system, args.service)}
