"""How requests reach a service: the live Service, the proxy's routes, and the monitor of both slots."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from components import labels
from components.manifests import alerts, exposure, gateway, ingress, monitor
from components.manifests.manifest import SKIP_AWAIT, Json, Manifest, Part, metadata, written
from components.manifests.route_object import RouteObject
from components.manifests.watched import Watched
from models.cluster import ClusterSettings
from models.monitoring import Monitoring
from models.release import ServiceRelease
from models.service import ServiceSpec
from models.system import SystemSpec
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class TrafficArgs:
    """What the manifests of a service's traffic are made from."""

    system: SystemSpec
    service: str
    spec: ServiceSpec
    release: ServiceRelease
    ready: Mapping[SlotName, tuple[str, ...]]
    """Per slot, what must be ready before it gets requests."""

    @property
    def part(self) -> Part:
        """The component of the service's traffic."""
        return Part("Traffic", self.service)


@dataclass(frozen=True, kw_only=True)
class _Driver:
    """One traffic driver: which Ingresses or HTTPRoutes a service needs, and the kind of these objects."""

    route_objects: Callable[[str, ServiceSpec, ServiceRelease, ClusterSettings, int], Iterable[RouteObject]]
    """Return the objects in the order in which they must be written."""
    kind: str


_DRIVERS = {
    "nginx": _Driver(route_objects=ingress.route_objects, kind="Ingress"),
    "gateway": _Driver(route_objects=gateway.route_objects, kind="HTTPRoute"),
}


def traffic(args: TrafficArgs) -> Iterator[Manifest]:
    """Yield live Service, Ingresses or HTTPRoutes, ServiceMonitor and PrometheusRule of one service."""
    yield _live_service(args)
    yield from _route_objects(args)
    if args.spec.monitoring is not None and args.system.cluster.monitoring:
        yield from _watching(args, args.spec.monitoring)


def _live_service(args: TrafficArgs) -> Manifest:
    slots = exposure.answering(args.release, routed=args.spec.route is not None)
    own = _metadata(args, args.service, {**args.spec.exposure.annotations, **SKIP_AWAIT})
    spec = exposure.live_service_spec(
        service=args.service,
        slots=slots,
        exposure=args.spec.exposure,
        ports=args.spec.open_ports,
        protocol=args.spec.app_protocol,
    )
    return args.part.manifest("live", written("Service", own, spec=spec), _behind(args, slots))


def _route_objects(args: TrafficArgs) -> Iterator[Manifest]:
    driver, before = _DRIVERS[args.system.cluster.traffic], list[str]()
    longest = args.system.services[args.service].longest
    for one in driver.route_objects(args.service, args.spec, args.release, args.system.cluster, longest):
        own = _metadata(args, one.name, {**SKIP_AWAIT, **one.annotations})
        after = (*_behind(args, one.slots), *(before if one.role == "canary" else ()))
        made = args.part.manifest(one.role, written(driver.kind, own, spec=one.spec), after)
        before.append(made.id)
        yield made


def _watching(args: TrafficArgs, monitoring: Monitoring) -> Iterator[Manifest]:
    own = _metadata(args, args.service)
    own["labels"] = {**monitoring.labels, **own["labels"]}  # by which Prometheus finds the objects
    if args.spec.profile.scrape:
        scrape = monitor.service_monitor_spec(
            service=args.service,
            monitoring=monitoring,
            profile=args.spec.profile,
            management=args.system.services[args.service].has_management_port,
        )
        yield args.part.manifest("monitor", written("ServiceMonitor", own, spec=scrape))
    cluster = args.system.cluster
    watched = Watched(
        service=args.service, namespace=args.system.namespace, spec=args.spec, release=args.release, cluster=cluster
    )
    if rules := alerts.rule_spec(watched, monitoring, cluster):
        yield args.part.manifest("alerts", written("PrometheusRule", own, spec=rules))


def _behind(args: TrafficArgs, slots: Iterable[SlotName]) -> tuple[str, ...]:
    """Write a route only after its slots are ready: a slot that never becomes ready never gets requests."""
    return tuple(one for slot in slots for one in args.ready[slot])


def _metadata(args: TrafficArgs, name: str, annotations: Mapping[str, str] | None = None) -> Json:
    return metadata(args.system, name, labels.of_service(args.system.name, args.service), annotations)
