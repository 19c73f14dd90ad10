"""The requests of the published systems' own clients, unchanged, sent with curl to our five systems."""

import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import yaml
from PIL import Image

from local.paths import Paths
from serving.payloads.faces import features
from serving.payloads.faces.gallery import DIMENSIONS
from serving.payloads.faces.wire import EMBED
from serving.payloads.generic.train import INPUT, split
from serving.tests.collector import collecting
from tests.cluster import curl, faces, gpu, nlu, parsing
from tests.cluster.program import deployed
from tests.cluster.stack import Json, Stack, config_of, run
from tests.cluster.traffic import Ingress
from tests.cluster.waiting import within
from tests.recording import PROJECT

GPU_HOST, GPU_PORT = "model.example.com", 8080
NLU_SERIES = ("http_requests_total", "http_request_duration_seconds_bucket", "model_load_duration_seconds")


def test_the_classifier_answers_a_picture_in_a_form_with_three_rows(
    ingress: Ingress, pictures: list[tuple[bytes, str]], tmp_path: Path
) -> None:
    picture = tmp_path / "test.jpg"
    Image.open(io.BytesIO(pictures[0][0])).save(picture, quality=95)
    result = curl.answer(ingress.url, "-H", f"Host: {ingress.host}", "-X", "POST", "-F", f"image=@{picture}")["result"]
    assert [[type(value) for value in row] for row in result] == [[int, str, float]] * 3
    scores = [score for _, _, score in result]
    assert scores == sorted(scores, reverse=True)
    assert result[0][1] == pictures[0][1]


def test_parsing_says_that_it_is_healthy(stack: Stack, tmp_path: Path) -> None:
    made = parsing.Parsing.laid_out(stack, tmp_path)
    with deployed(made):
        within(lambda: len(made.ready(parsing.SERVICE)) > 0, "a pod is ready")
        service = made.output()
        proxied = ("-H", f"Host: {service['host']}")
        url = f"{service['url'].rstrip('/')}/health"
        within(lambda: _reached(url, *proxied), "the proxy has seen the pods")
        health = curl.answer(url, *proxied)
    assert (health["status"], health["model_loaded"]) == ("healthy", True)
    assert datetime.fromisoformat(health["timestamp"]).tzinfo is not None


def test_nlu_answers_text_and_schema_and_its_pod_shows_its_metrics(stack: Stack, tmp_path: Path) -> None:
    made = nlu.Nlu.laid_out(stack, tmp_path)
    with deployed(made):
        within(lambda: bool(made.pods()), "a pod is ready")
        pod = f"http://{made.pods()[0]['status']['podIP']}:{nlu.PORT}"
        assert curl.answer(f"{pod}/health")["status"] == "ok"
        found = curl.answer(pod, *curl.posted({"text": "Anna Weber moved to Paris.", "schema": {"person": None}}))
        assert found["output"]["person"][0]["text"] == "Anna Weber"
        page = curl.text(f"{pod}/metrics")
        proxy = made.ingress()
        url, proxied = proxy.url.rstrip("/"), ("-H", f"Host: {proxy.host}")
        within(lambda: _reached(f"{url}/health", *proxied), "the proxy has seen the pods")
        refused = run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *proxied, f"{url}/metrics")
    assert 'http_requests_total{endpoint="/",method="POST",status="200"} 1.0' in page
    assert 'http_request_duration_seconds_count{endpoint="/"} 1.0' in page
    for series in NLU_SERIES:
        assert f"\n{series}" in page, series
    assert refused.stdout == "404", "the route's clients read the metrics"


def test_gpu_is_healthy_and_predicts_at_its_published_host(stack: Stack, tmp_path: Path) -> None:
    with gpu.on_node(stack, 1), deployed(_gpu(stack, tmp_path)) as made:
        url = urlsplit(str(config_of(gpu.STACK)["slipway:cluster"]["ingressUrl"]))
        resolved = ("--resolve", f"{GPU_HOST}:{url.port}:{url.hostname}")
        ask = curl.posted({"inputs": {INPUT: split().held_out[:2].tolist()}})
        predict = f"http://{GPU_HOST}:{url.port}/predict"
        within(lambda: _reached(predict, *resolved, *ask), "the proxy has seen the pod")
        prediction = curl.answer(predict, *resolved, *ask)
        ip = made.pods(gpu.SERVICE)[0]["status"]["podIP"]
        assert curl.answer(f"http://{ip}:{GPU_PORT}/healthz")["model_loaded"] is True
    assert len(prediction["outputs"]["label"]) == 2


def test_features_answers_with_a_vector_behind_port_80(stack: Stack, tmp_path: Path) -> None:
    with collecting(Paths.from_environment().addresses.node_ip) as collector:
        project = faces.Project.laid_out(stack, tmp_path, collector)
        with deployed(project):
            spec = project.found("service", "features")["spec"]
            (port,) = spec["ports"]
            (warm_up,) = features.PAYLOAD.warm_up(cast("Any", None))
            sent = curl.posted(json.loads(warm_up.body))
            embedding = curl.answer(f"http://{spec['clusterIP']}:{port['port']}{EMBED}", *sent)
    assert port["port"] == 80
    assert len(embedding["vector"]) == DIMENSIONS


def _reached(url: str, *options: str) -> bool:
    return run("curl", "-sSf", "-o", "/dev/null", *options, url).returncode == 0


def _gpu(stack: Stack, folder: Path) -> gpu.Gpu:
    """Lay the GPU system out under its published host."""
    entry: Json = yaml.safe_load((PROJECT / "catalog" / "gpu.yaml").read_text("utf-8"))
    entry["environments"]["dev"]["services"][gpu.SERVICE]["route"] = {"host": GPU_HOST, "path": "/predict"}
    return gpu.Gpu.laid_out(stack, folder, entry)
