"""What must hold wherever a second slot gets requests, whichever driver splits them.

Proxies ignore a canary silently that names another host, path or Service than they expect. None of that can be
declared here: both slots' route_objects are made of one route, and of names that nobody else can have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.contracts.cases import CASES, Case, config_of, entry, objects_of, pod_labels, selected
from tests.declared import Declared, Objects
from tests.recording import run_main
from tests.samples import Config

GATEWAY: Config = {"context": "prod", "traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}
REFUSED = ("tls", "rate_limit", "session", "max_body", "retries", "annotations")
BOTH = [case for case in CASES if case.both]


@dataclass(frozen=True, order=True)
class Lead:
    """One host and path, the kind of its match, and the Service that answers there."""

    host: str
    path: str
    kind: str
    service: str
    port: str | int


def expressible(case: Case) -> bool:
    """Whether a Gateway can say all that the case's routes say."""
    services = entry(case.entry).services
    routes = [entry(case.entry).service_in(case.environment, service).route for service in services]
    return not any(getattr(route, field) for route in routes if route for field in REFUSED)


ON_GATEWAYS = [case for case in BOTH if expressible(case)]


@cache
def on_a_gateway(case: Case) -> Objects[Declared]:
    return run_main({**config_of(case), "cluster": GATEWAY})


def of_ingress(ingress: Declared) -> Iterator[Lead]:
    for rule in ingress.inputs["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            yield Lead(rule["host"], path["path"], path["pathType"], backend["name"], backend["port"]["name"])


def of_route(route: Declared) -> Iterator[Lead]:
    kinds = {"PathPrefix": "Prefix", "Exact": "Exact"}
    for host in route.inputs["spec"]["hostnames"]:
        for rule in route.inputs["spec"]["rules"]:
            (match,) = rule["matches"]
            for backend in rule["backendRefs"]:
                path = match["path"]
                yield Lead(host, path["value"], kinds[path["type"]], backend["name"], backend["port"])


def leads(run: Objects[Declared]) -> dict[str, set[Lead]]:
    """Per Ingress or HTTPRoute, what it leads where."""
    found = {ingress.object_name: set(of_ingress(ingress)) for ingress in run.of_kind("Ingress")}
    return found | {route.object_name: set(of_route(route)) for route in run.of_kind("HTTPRoute")}


RUNS = [
    *(pytest.param((objects_of, case), id=f"nginx-{case}") for case in BOTH),
    *(pytest.param((on_a_gateway, case), id=f"gateway-{case}") for case in ON_GATEWAYS),
]


@pytest.fixture(params=RUNS)
def split(request: pytest.FixtureRequest) -> Objects[Declared]:
    """A run in which every routed service has both slots filled, on one of the drivers."""
    driver, case = request.param
    return driver(case)


def test_the_gateway_is_held_to_it_too() -> None:
    assert {case.entry for case in ON_GATEWAYS} >= {"classifier"}
    assert all(on_a_gateway(case).of_kind("HTTPRoute") for case in ON_GATEWAYS)
    assert not any(on_a_gateway(case).of_kind("Ingress") for case in ON_GATEWAYS)


def test_both_slots_of_a_service_are_reached_by_one_host_path_and_kind_and_by_no_other(
    split: Objects[Declared],
) -> None:
    private = [s for s in split.of_kind("Service") if s.inputs["metadata"]["labels"].get("slipway.dev/role") == "slot"]
    routed: dict[str, set[tuple[str, str, str]]] = {}
    for found in leads(split).values():
        for lead in found:
            routed.setdefault(lead.service, set()).add((lead.host, lead.path, lead.kind))
    services = {name.rpartition("-")[0] for name in routed if name in {s.object_name for s in private}}
    assert services
    for service in services:
        (blue,), (green,) = routed[f"{service}-blue"], routed[f"{service}-green"]
        assert blue == green


def test_every_entrance_leads_to_services_of_its_namespace_at_a_port_that_they_have(split: Objects[Declared]) -> None:
    services = {s.object_name: s.inputs["spec"]["ports"] for s in split.of_kind("Service")}
    for found in leads(split).values():
        for lead in found:
            assert lead.port in {value for port in services[lead.service] for value in (port["name"], port["port"])}


def test_a_service_behind_the_split_host_has_the_pods_of_one_slot_alone(split: Objects[Declared]) -> None:
    selectors = {s.object_name: s.inputs["spec"]["selector"] for s in split.of_kind("Service")}
    for found in leads(split).values():
        for lead in found:
            assert len(selected(selectors[lead.service], pod_labels(split))) == 1


def test_no_host_and_path_belongs_to_two_services(split: Objects[Declared]) -> None:
    owners: dict[tuple[str, str], set[str]] = {}
    for made in [*split.of_kind("Ingress"), *split.of_kind("HTTPRoute")]:
        service = made.inputs["metadata"]["labels"]["app.kubernetes.io/name"]
        for lead in of_ingress(made) if made.kind == "Ingress" else of_route(made):
            owners.setdefault((lead.host, lead.path), set()).add(service)
    assert all(len(services) == 1 for services in owners.values())


def test_a_split_is_within_100_percent_with_one_canary_one_header_and_one_cookie(split: Objects[Declared]) -> None:
    prefix = "nginx.ingress.kubernetes.io/"
    for ingress in split.of_kind("Ingress"):
        said = ingress.inputs["metadata"]["annotations"]
        assert f"{prefix}canary-weight-total" not in said, "100 is what everybody takes it for"
        if f"{prefix}canary" in said:
            assert 0 <= int(said[f"{prefix}canary-weight"]) <= 100
    main = [name for name in leads(split) if not name.endswith(("-stable", "-canary"))]
    canaries = [name for name in leads(split) if name.endswith("-canary")]
    assert len(canaries) == (len(main) if split.of_kind("Ingress") else 0)
    for route in split.of_kind("HTTPRoute"):
        for rule in route.inputs["spec"]["rules"]:
            weights = [backend["weight"] for backend in rule["backendRefs"]]
            assert sum(weights) in (1, 100)
            assert len(rule["matches"][0].get("headers", [])) <= 1


def test_nothing_that_splits_is_waited_for(split: Objects[Declared]) -> None:
    for made in [*split.of_kind("Ingress"), *split.of_kind("HTTPRoute")]:
        assert made.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
