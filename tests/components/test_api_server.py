"""What an API server's answers about a namespace mean, over real HTTP."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.api_server import ApiServer, Away, Forbidden
from components.log_cause import LOG_LINES

NAMESPACE, OBJECTS = ApiServer.namespace, ApiServer.objects
"""The real ones: the fixtures of this tier put others in their place."""
EVENTS: list[dict[str, Any]] = [
    {"type": "Warning", "reason": "BackOff", "series": {"lastObservedTime": "2026-01-01T00:00:03.000000Z"}},
    {"type": "Warning", "reason": "Unhealthy", "lastTimestamp": "2026-01-01T00:00:02Z"},
    {"type": "Normal", "reason": "Killing", "lastTimestamp": "2026-01-01T00:00:01Z"},
    {"type": "Normal", "reason": "Pulled", "lastTimestamp": "2026-01-01T00:00:00Z"},
]
POD: dict[str, Any] = {"selector": {}, "template": {}}
"""What the client insists on in a Deployment."""
Answer = tuple[int, dict[str, Any]]
Serve = Callable[[int, dict[str, Any]], ApiServer]


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start an API server with one answer, and point a context at it."""
    started: list[ThreadingHTTPServer] = []

    def begin(status: int, body: dict[str, Any]) -> ApiServer:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer, content = (status, body) if self.path == "/api/v1/namespaces/shop" else inside(self.path)
                self.send_response(answer)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return reached(tmp_path, monkeypatch, f"http://127.0.0.1:{server.server_address[1]}")

    yield begin
    for server in started:
        server.shutdown()
        server.server_close()


def inside(path: str) -> Answer:
    """The namespace holds somebody's claim and Deployment; who asks may not list ServiceAccounts."""
    resource = path.partition("/namespaces/shop/")[2]
    if resource == "serviceaccounts" or resource.startswith(("events", "replicasets")):
        return 403, {"kind": "Status", "reason": "Forbidden"}
    kinds = {"persistentvolumeclaims": {"shelf": {"team": "ml"}}, "deployments": {"web": None}}
    items = [{"metadata": {"name": name, "labels": worn}} for name, worn in kinds.get(resource, {}).items()]
    return 200, {"items": [{**item, "spec": POD} if resource == "deployments" else item for item in items]}


def reached(folder: Path, patch: pytest.MonkeyPatch, url: str) -> ApiServer:
    content = {
        "contexts": [{"name": "prod", "context": {"cluster": "eu", "user": "ann"}}],
        "clusters": [{"name": "eu", "cluster": {"server": url}}],
        "users": [{"name": "ann", "user": {"token": "t"}}],
    }
    (folder / "config").write_text(yaml.safe_dump(content))
    patch.setenv("KUBECONFIG", str(folder / "config"))
    patch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(folder / "config"))
    return ApiServer("prod")


def test_a_namespace_is_given_with_uid_and_labels(serve: Serve) -> None:
    found = NAMESPACE(serve(200, {"metadata": {"name": "shop", "uid": "1", "labels": {"a": "b"}}}), "shop")
    assert found is not None
    assert (found["metadata"]["uid"], found["metadata"]["labels"]) == ("1", {"a": "b"})


def test_what_is_in_a_namespace_is_listed_as_far_as_the_account_may(serve: Serve) -> None:
    assert list(OBJECTS(serve(200, {}), "shop")) == [
        ("claim", {"name": "shelf", "labels": {"team": "ml"}}),
        ("deployment", {"name": "web", "labels": {}}),
    ]


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ApiServer, list[str]]]:
    """Return an API server with one pod, its log and one StatefulSet, and the list of requests that it received."""
    asked: list[str] = []
    answers: dict[str, bytes] = {
        "/api/v1/namespaces/shop/pods": b'{"items": [{"metadata": {"name": "web-1"}}]}',
        "/api/v1/namespaces/shop/pods/web-1/log": b"Traceback\nKeyError: 'x'\n",
        "/apis/apps/v1/namespaces/shop/statefulsets": b'{"items": [{"metadata": {"name": "queue"}}]}',
        "/apis/apps/v1/namespaces/shop/replicasets": b'{"items": [{"metadata": {"name": "web-1"}}]}',
        "/api/v1/namespaces/shop/events": json.dumps({"items": EVENTS}).encode(),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            found = answers.get(self.path.partition("?")[0])
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(found or b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield reached(tmp_path, monkeypatch, f"http://127.0.0.1:{server.server_address[1]}"), asked
    server.shutdown()
    server.server_close()


def test_pods_logs_and_workloads_are_asked_for_where_they_are(told: tuple[ApiServer, list[str]]) -> None:
    api, asked = told
    assert [pod["metadata"]["name"] for pod in api.pods("shop", "app=web")] == ["web-1"]
    assert api.log("shop", "web-1", "server", previous=True).splitlines()[-1] == "KeyError: 'x'"
    assert list(api.workloads("StatefulSet", "shop")) == ["queue"]
    assert api.workloads("Deployment", "shop") == {}
    assert [one["metadata"]["name"] for one in api.replica_sets("shop", "app=web")] == ["web-1"]
    assert asked[-1] == "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app%3Dweb"
    assert asked[0] == "/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"
    assert asked[1].endswith(f"/pods/web-1/log?tailLines={LOG_LINES}&container=server&previous=true")


def test_warnings_and_kills_of_an_object_come_by_the_time_of_their_last_occurrence(
    told: tuple[ApiServer, list[str]],
) -> None:
    api, asked = told
    assert [one["reason"] for one in api.warnings("shop", "Pod", "web-1")] == ["Killing", "Unhealthy", "BackOff"]
    assert asked[-1].endswith("?fieldSelector=involvedObject.kind%3DPod%2CinvolvedObject.name%3Dweb-1")


def test_who_may_not_read_events_is_told_the_rest(serve: Serve) -> None:
    api = serve(200, {})
    assert api.warnings("shop", "Pod", "web-1") == []
    assert api.replica_sets("shop", "app=web") == []


def test_a_log_that_is_not_there_is_empty(told: tuple[ApiServer, list[str]]) -> None:
    api, _ = told
    assert api.log("shop", "web-2", "server", previous=False) == ""


def test_one_that_is_not_there_is_none(serve: Serve) -> None:
    assert NAMESPACE(serve(404, {"kind": "Status", "reason": "NotFound"}), "shop") is None


def test_one_that_may_not_be_read_is_forbidden(serve: Serve) -> None:
    with pytest.raises(Forbidden):
        NAMESPACE(serve(403, {"kind": "Status", "reason": "Forbidden"}), "shop")


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_answer_that_says_nothing_of_the_namespace_is_no_answer(serve: Serve, status: int) -> None:
    with pytest.raises(Away, match=f"it answered {status} "):
        NAMESPACE(serve(status, {"kind": "Status"}), "shop")


def test_a_server_that_is_away_and_a_kubeconfig_that_cannot_be_used_are_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Away, match="refused"):
        NAMESPACE(reached(tmp_path, monkeypatch, "http://127.0.0.1:1"), "shop")
    with pytest.raises(Away):
        NAMESPACE(ApiServer("unheard-of"), "shop")
