"""How requests reach a service: the live Service, the proxy's routes, and the monitor of both slots."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels
from components.awaiting import SKIP_AWAIT
from components.manifests import alerts, exposure, gateway, ingress, monitor
from components.manifests.entrance import Entrance
from components.manifests.pod_alerts import Watched
from models.cluster import ClusterSettings
from models.monitoring import Monitoring
from models.release import ServiceRelease
from models.service import ServiceSpec
from models.system import SystemSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class TrafficArgs:
    """The arguments of :class:`Traffic`."""

    system: SystemSpec
    namespace: pulumi.Output[str]
    service: str
    spec: ServiceSpec
    release: ServiceRelease
    ready: Mapping[SlotName, Sequence[pulumi.Input[pulumi.Resource]]]
    """Per slot, the resources that must be ready before it gets requests."""


@dataclass(frozen=True, kw_only=True)
class _Driver:
    """One traffic driver: which entrances it needs, and how it declares one as a resource."""

    entrances: Callable[[str, ServiceSpec, ServiceRelease, ClusterSettings], Iterable[Entrance]]
    """Returns the entrances in the order in which they are written."""
    made: Callable[[str, k8s.meta.v1.ObjectMetaArgsDict, Entrance, pulumi.ResourceOptions], pulumi.Resource]


def _ingress(
    name: str, metadata: k8s.meta.v1.ObjectMetaArgsDict, entrance: Entrance, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    return k8s.networking.v1.Ingress(name, metadata=metadata, spec=entrance.spec, opts=opts)


def _http_route(
    name: str, metadata: k8s.meta.v1.ObjectMetaArgsDict, entrance: Entrance, opts: pulumi.ResourceOptions
) -> pulumi.Resource:
    return k8s.apiextensions.CustomResource(
        name, api_version=gateway.API_VERSION, kind=gateway.KIND, metadata=metadata, spec=entrance.spec, opts=opts
    )


_DRIVERS = {
    "nginx": _Driver(entrances=ingress.entrances, made=_ingress),
    "gateway": _Driver(entrances=gateway.entrances, made=_http_route),
}


class Traffic(pulumi.ComponentResource):
    """Live Service, Ingresses or HTTPRoutes, ServiceMonitor and PrometheusRule of one service."""

    def __init__(self, name: str, args: TrafficArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Traffic", name, None, opts)
        self._live_service(name, args)
        self._entrances(name, args)
        if args.spec.monitoring is not None and args.system.cluster.monitoring:
            self._monitor(name, args, args.spec.monitoring)
            self._alerts(name, args, args.spec.monitoring)
        self.register_outputs({})

    def _live_service(self, name: str, args: TrafficArgs) -> None:
        slots = exposure.answering(args.release, routed=args.spec.route is not None)
        k8s.core.v1.Service(
            f"{name}-live",
            metadata={
                **_metadata(args, args.service),
                "annotations": {**args.spec.exposure.annotations, **SKIP_AWAIT},
            },
            spec=exposure.live_service_spec(service=args.service, slots=slots, exposure=args.spec.exposure),
            opts=self._behind(args, slots),
        )

    def _entrances(self, name: str, args: TrafficArgs) -> None:
        cluster, before = args.system.cluster, list[pulumi.Resource]()
        driver = _DRIVERS[cluster.traffic]
        for entrance in driver.entrances(args.service, args.spec, args.release, cluster):
            opts = self._behind(args, entrance.slots, before if entrance.role == "canary" else [])
            metadata: k8s.meta.v1.ObjectMetaArgsDict = {
                **_metadata(args, entrance.name),
                "annotations": {**SKIP_AWAIT, **entrance.annotations},
            }
            before.append(driver.made(f"{name}-{entrance.role}", metadata, entrance, opts))

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
        watched = Watched(service=args.service, namespace=args.system.namespace, spec=args.spec, release=args.release)
        rules = alerts.rule_spec(watched, monitoring, args.system.cluster)
        if rules is not None:
            k8s.apiextensions.CustomResource(
                f"{name}-alerts",
                api_version="monitoring.coreos.com/v1",
                kind="PrometheusRule",
                metadata=_found_by_prometheus(args, monitoring),
                spec=rules,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _behind(
        self, args: TrafficArgs, slots: Iterable[SlotName], before: Sequence[pulumi.Resource] = ()
    ) -> pulumi.ResourceOptions:
        """Create a route only after its slots are ready: a slot that never becomes ready never gets requests."""
        ready = [resource for slot in slots for resource in args.ready[slot]]
        return pulumi.ResourceOptions(parent=self, depends_on=[*ready, *before])


def _metadata(args: TrafficArgs, name: str) -> k8s.meta.v1.ObjectMetaArgsDict:
    return {"name": name, "namespace": args.namespace, "labels": labels.of_service(args.system.name, args.service)}


def _found_by_prometheus(args: TrafficArgs, monitoring: Monitoring) -> k8s.meta.v1.ObjectMetaArgsDict:
    own = labels.of_service(args.system.name, args.service)
    return {**_metadata(args, args.service), "labels": {**monitoring.labels, **own}}
