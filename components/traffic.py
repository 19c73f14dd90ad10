"""How requests reach a service: the live Service, its Ingresses, and the monitor over both slots."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import SKIP_AWAIT
from components.manifests import alerts, exposure, ingress, monitor
from models.monitoring import Monitoring
from models.release import ServiceRelease
from models.routing import Route
from models.service import ServiceSpec
from models.system import SystemSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class TrafficArgs:
    """What is routed where."""

    system: SystemSpec
    namespace: pulumi.Output[str]
    service: str
    spec: ServiceSpec
    release: ServiceRelease
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
    annotations: dict[str, str]
    certified: tuple[str, ...] = ()
    """Hosts in its TLS section."""


class Traffic(pulumi.ComponentResource):
    """Live Service, main, stable and canary Ingress, ServiceMonitor and PrometheusRule of one service.

    The main Ingress names the live slot's *private* Service. Proxies attach a canary to the Service of the main rule,
    so a Service shared with other hosts would leak the canary to them; those hosts get the live Service instead.
    """

    def __init__(self, name: str, args: TrafficArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Traffic", name, None, opts)
        self._live_service(name, args)
        if args.spec.route is not None:
            for entrance in _entrances(args.service, args.spec.route, args.release):
                self._ingress(f"{name}-{entrance.role}", args, args.spec.route, entrance)
        if args.spec.monitoring is not None and args.system.cluster.monitoring:
            self._monitor(name, args, args.spec.monitoring)
            self._alerts(name, args, args.spec.monitoring)
        self.register_outputs({})

    def _live_service(self, name: str, args: TrafficArgs) -> None:
        k8s.core.v1.Service(
            f"{name}-live",
            metadata={
                **_metadata(args, args.service),
                "annotations": {**args.spec.exposure.annotations, **SKIP_AWAIT},
            },
            spec=exposure.live_service_spec(service=args.service, slot=args.release.live, exposure=args.spec.exposure),
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
                ingress_class=args.system.cluster.ingress_class,
                certified=entrance.certified,
            ),
            opts=self._behind(args, entrance.slot),
        )

    def _monitor(self, name: str, args: TrafficArgs, monitoring: Monitoring) -> None:
        k8s.apiextensions.CustomResource(
            f"{name}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=_found_by_prometheus(args, monitoring),
            spec=monitor.service_monitor_spec(service=args.service, monitoring=monitoring),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _alerts(self, name: str, args: TrafficArgs, monitoring: Monitoring) -> None:
        rules = alerts.rule_spec(
            service=args.service,
            namespace=args.system.namespace,
            monitoring=monitoring,
            cluster=args.system.cluster,
        )
        if rules is not None:
            k8s.apiextensions.CustomResource(
                f"{name}-alerts",
                api_version="monitoring.coreos.com/v1",
                kind="PrometheusRule",
                metadata=_found_by_prometheus(args, monitoring),
                spec=rules,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _behind(self, args: TrafficArgs, slot: SlotName) -> pulumi.ResourceOptions:
        """Order a route behind the slot that it leads to: a slot that never gets ready never gets requests."""
        return pulumi.ResourceOptions(parent=self, depends_on=args.ready[slot])


def _entrances(service: str, route: Route, release: ServiceRelease) -> Iterator[_Entrance]:
    live, canary = release.live, release.canary
    treated = ingress.route_annotations(route)
    yield _Entrance(
        role="main",
        name=service,
        hosts=(route.host,),
        backend=names.slot_name(service, live),
        slot=live,
        annotations={**treated, **ingress.issuer_annotations(route)},
        certified=(route.host, *route.stable_hosts),  # one certificate for all, asked for here
    )
    if route.stable_hosts:
        yield _Entrance(
            role="stable",
            name=names.stable_name(service),
            hosts=route.stable_hosts,
            backend=service,
            slot=live,
            annotations=treated,
            certified=route.stable_hosts,
        )
    if canary is not None:
        yield _Entrance(
            role="canary",
            name=names.canary_name(service),
            hosts=(route.host,),
            backend=names.slot_name(service, canary),
            slot=canary,
            annotations=ingress.canary_annotations(release, route.session),
        )


def _metadata(args: TrafficArgs, name: str) -> k8s.meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": args.namespace, "labels": labels.of_service(args.system.name, args.service)}


def _found_by_prometheus(args: TrafficArgs, monitoring: Monitoring) -> k8s.meta.v1.ObjectMetaArgsDict:
    own = labels.of_service(args.system.name, args.service)
    return {**_metadata(args, args.service), "labels": {**monitoring.labels, **own}}
