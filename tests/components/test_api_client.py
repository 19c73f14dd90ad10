"""The API client reads the kubeconfig as the plugin does, and takes the proxy that the plugin takes."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from components.api_client import ApiClient, NoContext, Unreachable
from tests.samples import Config

AWAY = "http://api.example.com:6443"
"""A server that only a proxy reaches: no name server knows it."""
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@dataclass
class Proxy:
    """An HTTP proxy that answers for every host; as a server, it answers requests for itself."""

    url: str
    answer: str = json.dumps({"major": "1"})
    asked: list[str] = field(default_factory=list[str])
    credentials: list[str | None] = field(default_factory=list[str | None])
    applied: list[bytes] = field(default_factory=list[bytes])


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            found.credentials.append(self.headers.get("Proxy-Authorization"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.answer.encode())

        def do_PATCH(self) -> None:
            found.applied.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for kubeconfigs; no variable names a proxy."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/empty:{tmp_path}/config")
    (tmp_path / "empty").touch()
    return tmp_path


def asked(home: Path, server: str, **cluster: object) -> Config | None:
    content = {
        "contexts": [{"name": "Zürich", "context": {"cluster": "eu"}}],
        "clusters": [{"name": "eu", "cluster": {"server": server, **cluster}}],
    }
    (home / "config").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    return ApiClient("Zürich").get("/version", seconds=5)


def test_a_context_behind_an_empty_file_is_found_and_may_do_without_a_user(home: Path, proxy: Proxy) -> None:
    assert asked(home, proxy.url) == {"major": "1"}
    assert proxy.asked == ["/version"]


def test_what_is_applied_is_yaml_with_every_character(home: Path, proxy: Proxy) -> None:
    """The API server reads server-side apply as YAML, which has no surrogates."""
    asked(home, proxy.url)
    text = "ä\u2028\ufeff\x85\ufffd😀 \\ud83d\n\t\"'"
    ApiClient("Zürich").call("PATCH", "/api", {"data": {"text": text}}, seconds=5)
    assert yaml.safe_load(proxy.applied[0]) == {"data": {"text": text}}
    assert b"\\ud83d\\ude00" not in proxy.applied[0]


def test_an_answer_that_is_not_json_comes_from_something_else(home: Path, proxy: Proxy) -> None:
    """A proxy's login page, for example, is no answer of the API server."""
    proxy.answer = "<html>\n<title>Log in</title>"
    with pytest.raises(Unreachable, match=r"^GET /version: the answer is not JSON: '<html> <title>Log in</title>'$"):
        asked(home, proxy.url)


def test_a_missing_context_is_one_line(home: Path) -> None:
    (home / "config").write_text("contexts: null\n")
    with pytest.raises(NoContext, match=r"^'prod' is not in the kubeconfig$"):
        ApiClient("prod").get("/version", seconds=5)


def test_an_unreadable_file_is_one_line(home: Path) -> None:
    (home / "config").write_text("- a\n")
    with pytest.raises(NoContext, match=r"^cannot read the kubeconfig .*/config: a kubeconfig must be a map$"):
        ApiClient("prod").get("/version", seconds=5)


def test_the_environments_proxy_reaches_another_machine(
    home: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//ann:p%40ss@"))
    monkeypatch.setenv("NO_PROXY", "localhost,[::1],fe80::/10")
    assert asked(home, AWAY) == {"major": "1"}
    assert proxy.asked == [f"{AWAY}/version"]
    assert proxy.credentials == [f"Basic {base64.b64encode(b'ann:p@ss').decode()}"]


def test_this_machine_is_never_reached_through_it(home: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert asked(home, proxy.url) == {"major": "1"}
    assert proxy.asked == ["/version"]


def test_the_clusters_own_proxy_comes_first(home: Path, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY is about the proxies of the environment."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "*")
    assert asked(home, AWAY, **{"proxy-url": proxy.url}) == {"major": "1"}
    assert proxy.asked == [f"{AWAY}/version"]


@pytest.mark.parametrize(
    ("variable", "given", "message"),
    [
        ("HTTP_PROXY", "http://proxy:port", "the variable HTTP_PROXY: 'http://proxy:port' is not the URL of a proxy; "),
        ("all_proxy", "socks5h://127.0.0.1:1080", "the variable all_proxy: socks5h proxies are not supported; "),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, given: str, message: str
) -> None:
    monkeypatch.setenv(variable, given)
    with pytest.raises(NoContext) as raised:
        asked(home, AWAY)
    assert str(raised.value).startswith(message)


def test_a_clusters_proxy_that_cannot_be_used_is_one_line(home: Path) -> None:
    with pytest.raises(NoContext, match=r"^the kubeconfig's proxy-url: socks5 proxies are not supported; "):
        asked(home, AWAY, **{"proxy-url": "socks5://127.0.0.1:1080"})
