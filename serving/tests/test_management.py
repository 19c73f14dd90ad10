"""The management port: metrics for Prometheus, which the main port then does not answer."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from serving.cpu import Threads
from serving.http.app import make_app
from serving.http.server import DrainingServer
from serving.payloads.digits import PAYLOAD
from serving.role.role import Role
from serving.role.service import make_service
from serving.settings import Ports, Settings
from serving.tests.support import IDENTITY, PATIENCE_SECONDS, PNG, TLS, Running, free_port, serve

Digits = list[tuple[bytes, str]]


@dataclass(frozen=True)
class Both:
    """A server with both ports, and a client for each."""

    main: Running
    management: httpx.Client


@contextmanager
def served(folder: Path) -> Generator[Both]:
    """Run the real server in a thread, with a management port."""
    ports = Ports(main=free_port(), management=free_port())
    settings = Settings.model_validate({"modelPath": str(folder), "drainSeconds": 1})
    service = make_service(settings, IDENTITY, workers=2)
    role = Role(payload=PAYLOAD, service=service, threads=Threads(workers=2, intra_op=1), environment={})
    server = DrainingServer(make_app(role, metrics=False), service, ports=ports)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        with client_of(ports.main) as main, client_of(ports.management) as management:
            running = Running(service, main, ports.main)
            running.wait_ready()
            yield Both(running, management)
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def client_of(port: int | None) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", verify=TLS, trust_env=False, timeout=PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def both(model_folder: Path) -> Generator[Both]:
    with served(model_folder) as running:
        yield running


def test_the_main_port_does_not_answer_for_metrics(both: Both) -> None:
    assert both.main.client.get("/metrics").status_code == 404
    assert both.main.client.get("/metrics/").status_code == 404
    assert both.main.client.get("/health").status_code == 200


def test_the_management_port_gives_the_metrics_of_the_main_port(both: Both, digits: Digits) -> None:
    assert both.main.client.post("/predict", content=digits[0][0], headers=PNG).status_code == 200
    answer = both.management.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'http_requests_total{method="POST",route="/predict",status="200"} 1.0' in answer.text
    assert both.management.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/predict", "/v2", "/v2/models/digits", "/nowhere"])
def test_the_management_port_serves_no_client(both: Both, path: str) -> None:
    assert both.management.get(path).status_code == 404


def test_requests_of_the_management_port_are_no_traffic(both: Both) -> None:
    lifecycle, registry = both.main.service.lifecycle, both.main.service.telemetry.registry
    before = lifecycle.last_arrival
    for path in ("/metrics", "/nowhere"):
        both.management.get(path)
    assert lifecycle.last_arrival == before
    labels = {"method": "GET", "route": "/metrics", "status": "200"}
    assert registry.get_sample_value("http_requests_total", labels) is None


def test_without_a_management_port_the_main_port_serves_the_metrics(model_folder: Path) -> None:
    with serve(PAYLOAD, modelPath=str(model_folder)) as running:
        assert running.client.get("/metrics").status_code == 200
