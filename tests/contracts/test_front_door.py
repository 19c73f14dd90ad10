"""No way around the front door: in every shipped entry and environment, clients reach the main port alone."""

from collections.abc import Iterator
from typing import Any

from components.labels import METRICS
from tests.contracts.cases import in_every_case, pod
from tests.declared import Declared, Objects

EXPOSED = ("LoadBalancer", "NodePort")


def management_ports(run: Objects[Declared]) -> set[object]:
    """The names and numbers of the ports that no client may reach."""
    found: set[object] = set()
    for deployment in run.of_kind("Deployment"):
        template = pod(deployment)
        (server,) = template["spec"]["containers"]
        name = template["metadata"]["labels"][METRICS]
        (port,) = [port for port in server["ports"] if port["name"] == name]
        found |= {name, port["containerPort"]}
    return found


@in_every_case
def test_no_service_leads_to_the_port_for_metrics(run: Objects[Declared]) -> None:
    private = management_ports(run)
    assert private
    for service in run.of_kind("Service"):
        for port in service.inputs["spec"]["ports"]:
            assert port["targetPort"] not in private
            assert port["targetPort"] != port["port"], "a number could be that of the management port"


@in_every_case
def test_an_exposed_service_has_one_port_and_it_is_the_main_one(run: Objects[Declared]) -> None:
    for service in run.of_kind("Service"):
        if service.inputs["spec"]["type"] in EXPOSED:
            assert [port["targetPort"] for port in service.inputs["spec"]["ports"]] == ["web"]


def backends(run: Objects[Declared]) -> Iterator[Any]:
    """The port that each Ingress names, as it names it."""
    for ingress in run.of_kind("Ingress"):
        for rule in ingress.inputs["spec"]["rules"]:
            yield from (path["backend"]["service"]["port"] for path in rule["http"]["paths"])


@in_every_case
def test_no_route_leads_to_the_port_for_metrics(run: Objects[Declared]) -> None:
    assert all(port == {"name": "web"} for port in backends(run))


@in_every_case
def test_policies_admit_prometheus_alone_at_the_port_for_metrics(run: Objects[Declared]) -> None:
    private = management_ports(run)
    opened = [
        rule
        for policy in run.of_kind("NetworkPolicy")
        for rule in policy.inputs["spec"].get("ingress", [])
        if not rule.get("ports") or any(port["port"] in private for port in rule["ports"])
    ]
    assert opened
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    for rule in opened:
        assert rule == {"from": [prometheus], "ports": [{"protocol": "TCP", "port": "management"}]}


@in_every_case
def test_the_server_opens_the_port_that_the_monitor_scrapes(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        (server,) = pod(deployment)["spec"]["containers"]
        told = {one["name"]: one.get("value") for one in server["env"]}
        ports = {port["name"]: str(port["containerPort"]) for port in server["ports"]}
        assert (told["PORT"], told["SLIPWAY_MANAGEMENT_PORT"]) == (ports["web"], ports["management"])
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert server[probe]["httpGet"]["port"] == "web", "ready is who answers where clients ask"
