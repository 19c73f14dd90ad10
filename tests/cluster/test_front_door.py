"""From outside, through the proxy or a NodePort, neither metrics nor administration nor other ports are reachable."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from local.paths import Paths
from tests.cluster.copies import MANAGEMENT_PORT, Copy, entry, running, service
from tests.cluster.releasing import MODEL
from tests.cluster.stack import Stack
from tests.cluster.waiting import within

NAME, SERVICE = "fronted", "reader"
HEALTH, METRICS = "/health", "/metrics"


@pytest.fixture(scope="module")
def copy(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A classifier behind a host with all its paths, and behind a NodePort."""
    route, exposure = {"host": f"{NAME}.slipway.test"}, {"type": "NodePort", "direct": True}
    services = {SERVICE: service(NAME, MODEL, route=route, exposure=exposure)}
    with running(stack, tmp_path_factory.mktemp(NAME), entry(NAME, services)) as made:
        yield made


@pytest.fixture(scope="module")
def doors(copy: Copy) -> Iterator[dict[str, httpx.Client]]:
    """Return an HTTP client for each entrance from outside."""
    (port,) = copy.found("service", SERVICE)["spec"]["ports"]
    node = Paths.from_environment().addresses.node_ip
    host = {"Host": f"{NAME}.slipway.test"}
    with (
        httpx.Client(base_url=copy.stack.config()["slipway:cluster"]["ingressUrl"], headers=host) as proxy,
        httpx.Client(base_url=f"http://{node}:{port['nodePort']}") as node_port,
    ):
        found = {"proxy": proxy, "NodePort": node_port}
        for name, client in found.items():
            within(lambda client=client: client.get(HEALTH).status_code == 200, f"the {name} leads to the pods")
        yield found


def test_no_door_leads_to_metrics_or_administration(doors: dict[str, httpx.Client]) -> None:
    for name, client in doors.items():
        assert client.get(HEALTH).status_code == 200, name
        assert client.get(METRICS).status_code == 404, name
        assert client.delete("/people/x").status_code == 404, name


def test_no_service_leads_to_the_management_port(copy: Copy) -> None:
    for name in (SERVICE, f"{SERVICE}-blue"):
        address = copy.found("service", name)["spec"]["clusterIP"]
        with pytest.raises(OSError, match=r"refused|timed out|unreachable|No route"):
            socket.create_connection((address, MANAGEMENT_PORT), timeout=2)


def test_the_management_port_of_a_pod_has_its_metrics(copy: Copy) -> None:
    """The metrics exist on the management port. Without this test, the others would prove nothing."""
    (pod,) = copy.pods(SERVICE)
    answer = httpx.get(f"http://{pod['status']['podIP']}:{MANAGEMENT_PORT}{METRICS}", timeout=5)
    assert answer.status_code == 200
    assert "http_requests_total" in answer.text
