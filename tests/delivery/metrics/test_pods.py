"""The driver's own reader, over HTTP: slow pods, missing rights, pods that are gone."""

import json
import os
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from delivery.cluster.pods import READ_SECONDS, Pods
from delivery.errors import MetricsForbidden, MetricsUnavailable
from delivery.metrics.counting import Tally
from delivery.metrics.direct import Direct
from models.cluster import ClusterSettings
from tests.delivery.api import CONTEXT, listening
from tests.delivery.metrics.scraped import NAMESPACE, Process, server, watched
from tests.delivery.metrics.test_direct import ALONE

PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"
SLOW_SECONDS = 5.0
FORBIDDEN = json.dumps({"kind": "Status", "status": "Failure", "message": "pods is forbidden", "code": 403})


@dataclass
class Server:
    """What the API server has."""

    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    slow: set[str] = field(default_factory=set[str])
    answers: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    """By path, what is answered instead."""
    asked: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def answer(self, url: str) -> tuple[int, str]:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        self.asked.append((time.monotonic(), path))
        if path in self.answers:
            return self.answers[path]
        if path == PATH:
            assert query["labelSelector"] == ["app.kubernetes.io/name=digits"]
            return 200, json.dumps({"items": [one.pod() for one in self.processes.values()]})
        name = path.removeprefix(f"{PATH}/").removesuffix(":9000/proxy/metrics")
        if name in self.slow:
            time.sleep(SLOW_SECONDS)
        found = self.processes.get(name)
        return (200, found.text()) if found else (404, "{}")


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Server]:
    found = Server()
    old = time.time() - 1000
    for name, slot in (("digits-blue-1", "blue"), ("digits-green-1", "green"), ("digits-green-2", "green")):
        found.processes[name] = Process(name, slot, old, old)
        found.processes[name].counts.update({server(): 100})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            code, text = found.answer(self.path)
            self.send_response(code)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            with suppress(BrokenPipeError):  # the reader gave up
                self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

    with listening(Handler, tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        yield found


def direct() -> Direct:
    return Direct(Pods(CONTEXT), ClusterSettings.model_validate({"context": CONTEXT, "metrics": "direct"}))


def reads(api: Server, name: str) -> list[float]:
    return [at for at, path in api.asked if path == f"{PATH}/{name}:9000/proxy/metrics"]


@pytest.mark.slow
def test_a_slow_pod_delays_no_other_and_is_not_asked_twice_at_once(api: Server) -> None:
    api.slow.add("digits-green-2")
    source = direct()
    with watched(source, ALONE):
        since = time.time()
        time.sleep(0.05)
        api.processes["digits-green-1"].counts.update({server("500"): 7})
        time.sleep(2.5)
        assert source.counts(ALONE, since, {})["candidate"] == Tally(total=7, errors=7)
    often, seldom = reads(api, "digits-green-1"), reads(api, "digits-green-2")
    assert len(often) >= 3, "once per second"
    assert max(later - at for at, later in pairwise(often)) < 1 + READ_SECONDS, "and a slow pod's timeout at most"
    assert len(seldom) <= len(often)


def test_reading_ends_with_the_block(api: Server) -> None:
    with watched(direct(), ALONE):
        pass
    asked = len(api.asked)
    assert asked == 4, "the pods, and each of them once"
    time.sleep(0.2)
    assert len(api.asked) == asked


@pytest.mark.parametrize(
    ("path", "what"), [(PATH, "list pods"), (f"{PATH}/digits-blue-1:9000/proxy/metrics", "get pods/proxy")]
)
def test_a_right_that_is_missing_is_told_in_one_line_with_the_remedy(api: Server, path: str, what: str) -> None:
    api.answers[path] = 403, FORBIDDEN
    source = direct()
    with watched(source, ALONE):
        assert source.forbidden() == (
            f"slipway:cluster.metrics is direct, but the account of context {CONTEXT} may not {what} in namespace ml; "
            "grant it (docs/direct-metrics.md), or set metrics: prometheus and metricsUrl"
        )


def test_a_403_of_the_pod_itself_is_no_missing_right(api: Server) -> None:
    path = f"{PATH}/digits-blue-1:9000/proxy/metrics"
    api.answers[path] = 403, "metrics need a password"
    with pytest.raises(MetricsUnavailable) as raised:
        Pods(CONTEXT).text(path)
    assert not isinstance(raised.value, MetricsForbidden)
    assert "403 Forbidden: 'metrics need a password'" in str(raised.value)


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (404, "{}", "the pod is gone, or has no such path"),
        (503, "no endpoints", "503 Service Unavailable: 'no endpoints'"),
        (200, "http_requests_total{status=\n", "not Prometheus' text format"),
    ],
)
def test_no_counters_are_told_with_the_pods_path(api: Server, code: int, text: str, said: str) -> None:
    for name in api.processes:
        api.answers[f"{PATH}/{name}:9000/proxy/metrics"] = code, text
    source = direct()
    with watched(source, ALONE), pytest.raises(MetricsUnavailable, match=f"/pods/digits-.*:9000/proxy/metrics: {said}"):
        source.counts(ALONE, 0.0, {})


def test_an_answer_that_is_no_list_is_told(api: Server) -> None:
    api.answers[PATH] = 200, "<html>log in</html>"
    source = direct()
    with (
        watched(source, ALONE),
        pytest.raises(MetricsUnavailable, match="the API server's answer is not a list of pods"),
    ):
        source.counts(ALONE, 0.0, {})


def test_a_namespace_that_does_not_exist_yet_has_no_pods(api: Server) -> None:
    api.answers[PATH] = 404, "{}"
    source = direct()
    with watched(source, ALONE):
        assert source.counts(ALONE, 0.0, {})["live"] == Tally()


def test_a_proxy_that_is_no_pod_is_read_at_its_url_past_the_environments_proxy(
    api: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())["clusters"][0]["cluster"]["server"]
    api.answers |= {"/metrics": (200, "a_total 1\n"), "/none": (404, "{}")}
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert Pods(CONTEXT).text(f"{host}/metrics") == "a_total 1\n"
    with pytest.raises(MetricsUnavailable, match="/none returns status 404"):
        Pods(CONTEXT).text(f"{host}/none")
    with pytest.raises(MetricsUnavailable, match=r"http://127\.0\.0\.1:9/metrics does not answer: "):
        Pods(CONTEXT).text("http://127.0.0.1:9/metrics")


def test_an_api_server_that_does_not_answer_is_told(
    api: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del api

    class Nothing(BaseHTTPRequestHandler):
        pass

    with listening(Nothing, tmp_path) as kubeconfig:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    with pytest.raises(MetricsUnavailable, match=r"/pods: no answer within 0\.9 s: "):
        Pods(CONTEXT).listed(PATH, {"app.kubernetes.io/name": "digits"})
