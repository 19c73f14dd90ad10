"""The requests of the published systems' clients, sent to our roles as those clients send them."""

import math
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.payloads import digits as digits_role
from serving.payloads import nlu as nlu_role
from serving.roles import load_role
from serving.tests.support import HeldSession, Running, loaded_by, model_with, serve

Digits = list[tuple[bytes, str]]


def test_a_picture_in_the_field_image_gets_three_rows_of_id_label_and_score(ready: Running, digits: Digits) -> None:
    picture, label = digits[0]
    answer = ready.client.post("/predict", files={"image": ("test.jpg", picture, "image/jpeg")})
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert [len(row) for row in result] == [3, 3, 3]
    assert result[0][:2] == [int(label), label]
    scores = [row[2] for row in result]
    assert scores == sorted(scores, reverse=True)
    assert [{"label": row[1], "score": row[2]} for row in result] == answer.json()["predictions"]


def test_two_pictures_in_two_fields_are_refused(ready: Running, digits: Digits) -> None:
    answer = ready.client.post("/predict", files={"image": digits[0][0], "file": digits[1][0]})
    assert answer.status_code == 400


ROLES = {"digits": "ok", "nlu": "ok", "faces.features": "ok", "generic": "ok", "parsing": "healthy"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", ["/health", "/healthz"])
def test_health_has_the_status_that_the_clients_of_the_role_expect(path: str, role: str) -> None:
    payload = replace(loaded_by(lambda: model_with(HeldSession())), healthy=load_role(role).healthy)
    with serve(payload) as running:
        running.wait_ready()
        answer = running.client.get(path)
        assert (answer.status_code, answer.json()["status"], answer.json()["model_loaded"]) == (200, ROLES[role], True)
        assert datetime.fromisoformat(answer.json()["timestamp"]).tzinfo is not None


@pytest.fixture(scope="module")
def pod() -> Generator[Running]:
    """A role with metrics for clients that name the pod, beside a management port."""
    payload = replace(loaded_by(lambda: model_with(HeldSession())), pod_metrics=True)
    with serve(payload, metrics=False) as running:
        running.wait_ready()
        yield running


def read(pod: Running) -> dict[tuple[str, ...], float]:
    """Each sample of the page, by its name and the values of its labels."""
    answer = pod.client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_the_pod_shows_requests_by_method_endpoint_and_status(pod: Running, digits: Digits) -> None:
    series = ("http_requests_total", "/predict", "POST", "200")  # values in the order of the labels' names
    before = read(pod).get(series, 0)
    pod.client.post("/predict", content=digits[0][0])
    assert read(pod)[series] == before + 1
    assert 'http_requests_total{endpoint="/predict",method="POST",status="200"}' in pod.client.get("/metrics").text


def test_the_pod_shows_latency_by_endpoint_over_all_methods_and_the_time_to_load(pod: Running, digits: Digits) -> None:
    before = read(pod)
    pod.client.post("/predict", content=digits[0][0])
    pod.client.get("/predict")
    after = read(pod)
    name, endpoint = "http_request_duration_seconds", "/predict"
    for series in ((f"{name}_count", endpoint), (f"{name}_bucket", endpoint, "+Inf")):
        assert after[series] == before.get(series, 0) + 2
    assert after[f"{name}_sum", endpoint] > before.get((f"{name}_sum", endpoint), 0)
    limits = [
        value for (series, *labels), value in after.items() if series == f"{name}_bucket" and labels[0] == endpoint
    ]
    assert limits == sorted(limits)
    assert 0 < after[("model_load_duration_seconds",)] < math.inf


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "nlu.example.com"},
        {"host": "nlu:7860"},
        {"host": "10.1.2.3:7860"},
        {"x-forwarded-for": "10.0.0.1"},
        {"forwarded": "for=10.0.0.1"},
        {"x-forwarded-host": "nlu.example.com"},
    ],
)
def test_a_client_of_a_service_or_a_proxy_finds_no_metrics(pod: Running, headers: dict[str, str]) -> None:
    answer = pod.client.get("/metrics", headers=headers)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_of_the_roles_only_nlu_shows_metrics_at_the_main_port(model_folder: Path) -> None:
    assert nlu_role.PAYLOAD.pod_metrics
    with serve(digits_role.PAYLOAD, metrics=False, modelPath=str(model_folder)) as running:
        assert running.client.get("/metrics").status_code == 404
