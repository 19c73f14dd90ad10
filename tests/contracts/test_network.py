"""The flow matrix: each declared call is allowed and every other one denied, over the policies as they are rendered."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import pytest

from components.labels import METRICS
from models.entry import CatalogueEntry
from models.jobs import JobSpec
from models.scaling import Triggered
from models.service import ServiceSpec
from tests.contracts.cases import CASES, Case, config_of, entry, objects_of, pod, workloads
from tests.contracts.flows import Connection, Direction, End, Outside, Pod, PolicySet, Protocol
from tests.declared import Declared, Objects
from tests.each import each
from tests.recording import run_main

S3, TRACES = 9000, 4318
STORAGE = Outside("object storage", "198.51.100.20")
TRACER = Outside("tracer", "2001:db8:1::20")
INTERNET = (Outside("internet", "203.0.113.7"), Outside("internet over IPv6", "2001:db8::7"))
FULL = {
    "objectStorage": {"url": f"https://s3.example.com:{S3}", "networks": ["198.51.100.0/24"]},
    "tracing": {"url": f"http://traces.example.com:{TRACES}", "networks": ["2001:db8:1::/48"]},
}
"""Everything outside that a stack can name, at addresses of its own."""


@dataclass(frozen=True)
class World:
    """A case as it runs, and everybody who could want in."""

    case: Case
    run: Objects[Declared]

    @cached_property
    def entry(self) -> CatalogueEntry:
        return entry(self.case.entry)

    @cached_property
    def services(self) -> dict[str, ServiceSpec]:
        return {name: self.entry.service_in(self.case.environment, name) for name in self.entry.services}

    @cached_property
    def jobs(self) -> dict[str, JobSpec]:
        return self.entry.environments[self.case.environment].jobs

    @cached_property
    def namespace(self) -> str:
        return self.run.one("Namespace").object_name

    @cached_property
    def calls(self) -> dict[str, tuple[str, ...]]:
        """What each workload declares that it calls."""
        stores: dict[str, tuple[str, ...]] = dict.fromkeys(self.entry.stores, ())
        workers = {**self.services, **self.jobs}
        return {**stores, **{name: spec.calls for name, spec in workers.items()}}

    def port(self, workload: str) -> int | None:
        """The port that a workload opens for those who call it."""
        if workload in self.jobs:
            return None
        return self.entry.stores[workload].port if workload in self.entry.stores else self.services[workload].port

    def metrics(self, end: Pod) -> int | None:
        """The port at which Prometheus asks a pod of a service, if it does."""
        spec = self.services.get(end.labels["app.kubernetes.io/name"])
        if spec is None or spec.monitoring is None:
            return None
        return spec.management_port if METRICS in end.labels else spec.port

    def pods(self) -> Iterator[Pod]:
        """Two pods of everything that makes any, and of each service one that an older version of Slipway made."""
        for index, workload in enumerate(workloads(self.run)):
            template = pod(workload)
            for replica in (0, 1):
                yield Pod(
                    name=f"{workload.object_name}-{replica}",
                    namespace=self.namespace,
                    labels=template["metadata"]["labels"],
                    address=f"10.0.{index}.{replica + 1}",
                    namespace_labels=_labelled(self.namespace),
                    ports=dict(_ports(template)),
                )
            labels = dict(template["metadata"]["labels"])
            if labels.pop(METRICS, None):
                yield Pod(
                    name=f"{workload.object_name}-old",
                    namespace=self.namespace,
                    labels=labels,
                    address=f"10.0.{index}.9",
                    namespace_labels=_labelled(self.namespace),
                    ports={key: number for key, number in _ports(template) if key[0] == "web"},
                )

    def others(self) -> Iterator[End]:
        """Pods that are not the system's, some of which look as if they were, and addresses outside."""
        for index, namespace in enumerate(("ingress-nginx", "monitoring", "keda", "default", self.namespace)):
            yield Pod(f"a pod of {namespace}", namespace, {}, f"10.1.{index}.1", _labelled(namespace))
        for index, name in enumerate(self.calls):
            labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": self.case.entry}
            yield Pod(f"{name} of another namespace", "shop", labels, f"10.2.{index}.1", _labelled("shop"))
        yield from (STORAGE, TRACER, *INTERNET)


def _labelled(namespace: str) -> dict[str, str]:
    return {"kubernetes.io/metadata.name": namespace}


def _ports(template: dict[str, Any]) -> Iterator[tuple[tuple[str, Protocol], int]]:
    for container in template["spec"]["containers"]:
        for port in container.get("ports", []):
            yield (port["name"], port.get("protocol", "TCP")), port["containerPort"]


def workload_of(world: World, end: End) -> str | None:
    """The name of the workload that an end is a pod of."""
    return end.labels.get("app.kubernetes.io/name") if isinstance(end, Pod) and _is_in(world, end) else None


def declared(world: World, connection: Connection, *, full: bool) -> bool:
    """What the catalogue entry says of a connection of which one end at least is in the system's namespace."""
    source, destination = workload_of(world, connection.source), workload_of(world, connection.destination)
    inside = _is_in(world, connection.destination)
    if inside and destination is None:
        return False
    if destination is not None:
        if connection.protocol != "TCP" or not isinstance(connection.destination, Pod):
            return False
        if _namespace(connection.source) == "monitoring" and connection.port == world.metrics(connection.destination):
            return True
        return connection.port == world.port(destination) and _may_enter(world, connection.source, source, destination)
    if connection.port == 53:
        return True
    return connection.protocol == "TCP" and _may_leave(world, source, connection, full=full)


def _is_in(world: World, end: End) -> bool:
    return isinstance(end, Pod) and end.namespace == world.namespace


def _namespace(end: End) -> str:
    return end.namespace if isinstance(end, Pod) else ""


def _may_enter(world: World, end: End, source: str | None, destination: str) -> bool:
    if _is_in(world, end):
        return source is not None and destination in world.calls[source]
    namespace = _namespace(end)
    if destination in world.entry.stores:
        return namespace == "keda" and destination in asked_by_keda(world)
    spec = world.services[destination]
    open_to = {*spec.exposure.namespaces, *(["ingress-nginx"] if spec.route else [])}
    return namespace in open_to or spec.exposure.type != "ClusterIP"


def asked_by_keda(world: World) -> set[str]:
    """The stores whose queues some service scales on."""
    ranges = [spec.scaling for spec in world.services.values() if isinstance(spec.scaling, Triggered)]
    return {trigger.redis.store for found in ranges for trigger in found.triggers.values() if trigger.redis}


def _may_leave(world: World, source: str | None, connection: Connection, *, full: bool) -> bool:
    if source in world.jobs:
        fetches, traced = world.jobs[source].object_storage, False
    elif source in world.services:
        model = world.services[source].model
        fetches, traced = model is not None and model.uri.startswith("s3://"), True
    else:
        return False
    if not full:
        return fetches and connection.port == 443
    storage = connection.destination == STORAGE and connection.port == S3
    return (fetches and storage) or (traced and connection.destination == TRACER and connection.port == TRACES)


def connections(world: World) -> Iterator[Connection]:
    """Every ordered pair with an end in the namespace, at every port that means something to somebody."""
    inside, others = list(world.pods()), list(world.others())
    own = {port for name in world.calls if (port := world.port(name))}
    own |= {spec.management_port for spec in world.services.values() if spec.management_port}
    tcp = sorted({*own, 22, 53, 80, 443, 6443, S3, TRACES})
    ports: list[tuple[int, Protocol]] = [*((port, "TCP") for port in tcp), *((port, "UDP") for port in (53, min(own)))]
    for source, destination in product([*inside, *others], repeat=2):
        ours = _is_in(world, source) or _is_in(world, destination)
        if ours and source != destination:
            yield from (Connection(source, destination, *port) for port in ports)


BOTH = [case for case in CASES if case.both]
"""With both slots filled there is every pod that there can be."""


@cache
def world(case: Case, *, full: bool) -> World:
    return World(case, run_main({**config_of(case), **FULL}) if full else objects_of(case))


def policies_of(run: Objects[Declared]) -> list[dict[str, Any]]:
    """The policies as the API server gets them."""
    return [policy.inputs for policy in run.of_kind("NetworkPolicy")]


LAST = [case for case in BOTH if case.environment == list(entry(case.entry).environments)[-1]]


@each(("case", "full"), [*((case, False) for case in BOTH), *((case, True) for case in LAST)])
def test_exactly_what_the_entry_declares_flows(case: Case, full: bool) -> None:
    here = world(case, full=full)
    rules, every = PolicySet(policies_of(here.run)), list(connections(here))
    flowing = {str(c) for c in every if rules.allow(c)}
    assert flowing == {str(c) for c in every if declared(here, c, full=full)}
    assert 0 < len(flowing) < len(every)


@each("case", BOTH)
def test_every_workload_of_the_entry_is_in_the_matrix(case: Case) -> None:
    here = world(case, full=False)
    assert {workload_of(here, end) for end in here.pods()} == set(here.calls)
    for end in here.pods():
        ports = {here.port(workload_of(here, end) or ""), here.metrics(end)} - {None}
        assert set(end.ports.values()) == ports


def between(case: Case, *sides: Direction) -> set[tuple[str, str]]:
    """The pairs of workloads of which the first reaches the second, as far as these sides are concerned."""
    here = world(case, full=False)
    rules, pods = PolicySet(policies_of(here.run)), list(here.pods())
    return {
        (str(workload_of(here, source)), str(workload_of(here, destination)))
        for source, destination in product(pods, repeat=2)
        for port in destination.ports.values()
        if source is not destination
        and all(rules.permits(side, Connection(source, destination, port)) for side in sides)
    }


@pytest.mark.parametrize("side", ["Egress", "Ingress"])
@pytest.mark.parametrize("case", BOTH, ids=str)
def test_each_side_alone_lets_the_declared_calls_through_and_no_others(case: Case, side: Direction) -> None:
    """A policy engine may be late, or a policy deleted by hand: the other side still holds."""
    calls = world(case, full=False).calls
    public = {name for name, spec in world(case, full=False).services.items() if spec.exposure.public}
    declared_calls = {(caller, callee) for caller, callees in calls.items() for callee in callees}
    if side == "Ingress":
        declared_calls |= {(caller, callee) for caller in calls for callee in public}
    assert between(case, side) == declared_calls


BOTH_SIDES: tuple[Direction, Direction] = ("Egress", "Ingress")


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_each_of_the_five_face_services_reaches_only_those_that_it_calls(environment: str) -> None:
    assert between(Case("faces", environment, both=True), *BOTH_SIDES) == {
        ("capture", "preprocess"), ("capture", "features"), ("capture", "compare"), ("capture", "store"),
        ("compare", "cache"), ("compare", "store"), ("store", "vectors"), ("store", "cache"),
    }  # fmt: skip


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_page_and_worker_meet_at_the_queue_alone(environment: str) -> None:
    assert between(Case("parsing", environment, both=True), *BOTH_SIDES) == {("parsing", "queue"), ("worker", "queue")}


def allowed(policies: list[dict[str, Any]], every: list[Connection]) -> list[bool]:
    rules = PolicySet(policies)
    return [rules.allow(connection) for connection in every]


@pytest.mark.slow
@pytest.mark.parametrize("case", LAST, ids=str)
def test_without_any_one_of_the_policies_the_matrix_is_another(case: Case) -> None:
    """No policy is there for nothing, and the matrix would notice the loss of each."""
    here = world(case, full=True)
    rules, every = policies_of(here.run), list(connections(here))
    whole = allowed(rules, every)
    idle = [
        without["metadata"]["name"]
        for without in rules
        if allowed([rule for rule in rules if rule != without], every) == whole
    ]
    assert idle == []
