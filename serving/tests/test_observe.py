"""Every answer has identity headers, is counted by route and logged once; clients cannot create labels."""

import json
import logging
import socket
from collections.abc import Generator
from typing import Any

import pytest

from serving.identity import Identity
from serving.telemetry.logs import JsonLines, with_fields
from serving.tests.support import PNG, HeldSession, Running, loaded_by, model_with, serve

Digits = list[tuple[bytes, str]]


@pytest.fixture(scope="module")
def session() -> HeldSession:
    return HeldSession()


@pytest.fixture(scope="module")
def running(session: HeldSession) -> Generator[Running]:
    with serve(loaded_by(lambda: model_with(session))) as started:
        started.wait_ready()
        yield started


def accesses(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    formatter = JsonLines(Identity(slot="blue", version="sha256:0123"))
    return [json.loads(formatter.format(record)) for record in caplog.records if record.name == "slipway.access"]


def test_an_error_of_ours_is_500_without_its_inside_but_marked_counted_and_logged(
    running: Running, session: HeldSession, digits: Digits, caplog: pytest.LogCaptureFixture
) -> None:
    session.broken = True
    try:
        with caplog.at_level("INFO", "slipway.access"):
            answer = running.client.post("/predict", content=digits[0][0], headers=PNG)
    finally:
        session.broken = False
    assert answer.status_code == 500
    assert "planted" not in answer.text
    assert answer.headers["x-slipway-version"] == "sha256:0123"
    assert running.metric("http_requests_total", method="POST", route="/predict", status="500") == 1
    access = accesses(caplog)[0]
    assert (access["level"], access["status"]) == ("error", 500)
    assert "planted failure" in access["reason"]


def test_the_connection_outlives_an_error_of_ours_and_the_log_has_its_trace(
    running: Running, session: HeldSession, digits: Digits, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        session.broken = True
        try:
            assert asked(connection, digits[0][0]).startswith(b"HTTP/1.1 500 ")
        finally:
            session.broken = False
        assert asked(connection, digits[0][0]).startswith(b"HTTP/1.1 200 ")
    assert any("planted failure" in line.get("exception", "") for line in accesses(caplog))


def asked(connection: socket.socket, png: bytes) -> bytes:
    connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(png) + png)
    received = b""
    while b"\r\n\r\n" not in received or not received.endswith(b"}"):
        chunk = connection.recv(65536)
        assert chunk, "the server closed the connection"
        received += chunk
    return received


def test_every_answer_names_slot_version_and_config(running: Running) -> None:
    for path in ("/health", "/metrics", "/v2", "/nowhere"):
        headers = running.client.get(path).headers
        marks = [headers[f"x-slipway-{name}"] for name in ("slot", "version", "config")]
        assert marks == ["blue", "sha256:0123", "c0ffee"]


def test_a_request_is_one_log_line_with_slot_version_status_and_time(
    running: Running, digits: Digits, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "slipway.access"):
        running.client.post("/predict", content=digits[0][0], headers=PNG)
        running.client.post("/predict", content=b"no picture", headers=PNG)
    good, bad = accesses(caplog)
    assert (good["method"], good["path"], good["route"], good["status"]) == ("POST", "/predict", "/predict", 200)
    assert (good["slot"], good["version"]) == ("blue", "sha256:0123")
    assert good["ms"] > 0
    assert (bad["status"], bad["reason"][:25]) == (400, "the body is not a picture")


def test_probes_are_logged_at_debug_only(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    paths = ["/health", "/metrics", "/v2/health/live", "/v2/health/ready", "/v2/models/digits/ready"]
    with caplog.at_level("INFO", "slipway.access"):
        for path in paths:
            running.client.get(path)
    assert accesses(caplog) == []
    with caplog.at_level("DEBUG", "slipway.access"):
        for path in paths:
            running.client.get(path)
    assert [line["path"] for line in accesses(caplog)] == paths


def test_probes_are_no_traffic_for_the_drain(running: Running) -> None:
    before = running.service.lifecycle.last_arrival
    running.client.get("/health")
    running.client.get("/v2/models/digits/ready")
    assert running.service.lifecycle.last_arrival == before
    running.client.get("/nowhere")
    assert running.service.lifecycle.last_arrival > before


def test_paths_methods_and_model_names_of_clients_become_no_labels(running: Running) -> None:
    for index in range(20):
        running.client.get(f"/path-{index}")
        running.client.get(f"/v2/models/model-{index}")
    for method in ("PROPFIND", "MKCOL", "TRACE"):  # words that are no methods at all never get past the parser
        assert running.client.request(method, "/predict").status_code == 405
    samples = [sample for metric in running.service.telemetry.registry.collect() for sample in metric.samples]
    routes = {sample.labels["route"] for sample in samples if "route" in sample.labels}
    methods = {sample.labels["method"] for sample in samples if "method" in sample.labels}
    assert "unmatched" in routes
    assert "/v2/models/{model}" in routes
    assert not any("path-" in route or "model-" in route for route in routes)
    assert "other" in methods
    assert not methods & {"PROPFIND", "MKCOL", "TRACE"}


def test_metrics_have_requests_latency_inference_queue_and_model_load(running: Running, digits: Digits) -> None:
    before = running.metric("http_requests_total", method="POST", route="/predict", status="200")
    inferences = running.metric("inference_duration_seconds_count")
    running.client.post("/predict", content=digits[0][0], headers=PNG)
    answer = running.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert running.metric("http_requests_total", method="POST", route="/predict", status="200") == before + 1
    assert running.metric("inference_duration_seconds_count") == inferences + 1
    for name in (
        "http_request_duration_seconds_bucket",
        "http_requests_in_flight",
        "inference_queue_depth",
        "inference_queue_wait_seconds_count",
        "model_load_duration_seconds",
        "model_loaded 1.0",
        "process_resident_memory_bytes",
        'slipway_build_info{config="c0ffee",service="classifier",slot="blue",version="sha256:0123"} 1.0',
    ):
        assert name in answer.text, name


def test_a_log_line_stays_one_line_whatever_it_says() -> None:
    failure = ValueError("two\nlines")
    record = logging.makeLogRecord(
        {
            "msg": 'a\n{"level": "forged"}',
            "exc_info": (ValueError, failure, None),
            **with_fields(path="/x\ny"),
        }
    )
    line = JsonLines(Identity()).format(record)
    assert "\n" not in line
    assert json.loads(line)["path"] == "/x\ny"
    assert "two\nlines" in json.loads(line)["exception"]
