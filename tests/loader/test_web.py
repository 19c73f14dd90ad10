"""Redirects, refusals and unreachable sources: which server gets credentials, and what the error says."""

import socket
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

import pytest
import urllib3

from loader.errors import LoaderError, MissingError, UnreachableError
from loader.web import Web, redacted
from tests.loader.servers import Watched, serving

LOGIN = {"Authorization": "Bearer secret"}


class Moving(Watched):
    """Redirects by the first part of the path, and answers with a status by number."""

    elsewhere = ""
    times: ClassVar[dict[str, int]] = {}

    def route(self) -> None:
        kind, _, rest = self.path.lstrip("/").partition("/")
        if kind == "away":
            self.refuse(HTTPStatus.FOUND, Location=f"{self.elsewhere}/here")
        elif kind == "back":
            self.refuse(HTTPStatus.FOUND, Location="/here")
        elif kind == "nowhere":  # as S3 does for a bucket of another region
            self.refuse(HTTPStatus.MOVED_PERMANENTLY)
        elif kind == "loop":
            self.refuse(HTTPStatus.FOUND, Location="/loop/")
        elif kind == "busy":
            self.times[rest] = self.times.get(rest, 0) + 1
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE) if self.times[rest] <= int(rest) else self.answer(b"done")
        elif kind.isdigit():
            self.refuse(HTTPStatus(int(kind)))
        else:
            self.answer(b"content")


def authorize(url: str) -> dict[str, str]:
    assert url.startswith("http://")
    return LOGIN


def anonymous(_: str) -> dict[str, str]:
    return {}


def read(url: str) -> bytes:
    return Web().read(url, authorize)


def test_a_redirect_to_another_server_is_followed_without_credentials(tmp_path: Path) -> None:
    with (
        serving(Moving, tmp_path) as (other, there),
        serving(Moving, tmp_path, elsewhere=other) as (url, here),
    ):
        assert read(f"{url}/away/") == b"content"
        assert read(f"{url}/back/") == b"content"
    assert here.logins("/") == {"Bearer secret"}
    assert there.logins("/") == {""}


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Moving, tmp_path, elsewhere="http://other") as (url, _):
        pool = urllib3.PoolManager(retries=False)
        request = pool.request

        def plainly(method: str, _: str, **given: Any) -> urllib3.BaseHTTPResponse:
            return request(method, f"{url}/away/", **given)

        monkeypatch.setattr(pool, "request", plainly)
        web = Web()
        monkeypatch.setattr(web, "_direct", pool)
        with pytest.raises(LoaderError, match="https://hub/x: redirects from https to http://other/here"):
            web.read("https://hub/x", anonymous)


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_gets_the_request_and_its_own_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    class Proxy(Moving):
        def route(self) -> None:
            logins.append(self.headers.get("Proxy-Authorization"))
            self.answer(b"content of " + self.path.encode())

    logins: list[str | None] = []
    for name in ("HTTP_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(Proxy, tmp_path) as (url, _):
        monkeypatch.setenv("http_proxy", f"{scheme}me:p%40ss@{url.removeprefix('http://')}")
        assert read("http://models.example/x") == b"content of http://models.example/x"
    assert logins == ["Basic bWU6cEBzcw=="]


def test_a_redirect_without_an_address_is_refused(tmp_path: Path) -> None:
    said = r"nowhere/x: the source answered 301 without an address; check the URI and AWS_REGION"
    with serving(Moving, tmp_path) as (url, _), pytest.raises(LoaderError, match=said):
        read(f"{url}/nowhere/x")


def test_a_redirect_without_end_is_refused(tmp_path: Path) -> None:
    with serving(Moving, tmp_path) as (url, _), pytest.raises(LoaderError, match="redirects more than 5 times"):
        read(f"{url}/loop/")


def test_a_busy_source_is_asked_again_but_not_for_ever(tmp_path: Path) -> None:
    Moving.times.clear()
    with serving(Moving, tmp_path) as (url, _):
        assert read(f"{url}/busy/2") == b"done"
        with pytest.raises(UnreachableError, match=r"busy/3: the source answered 503; try again later"):
            read(f"{url}/busy/3")


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (404, MissingError, "does not exist (404); check the URI and that the model is published"),
        (401, LoaderError, "the source refused the credentials (401); check model.secrets and their permissions"),
        (403, LoaderError, "the source refused the credentials (403); check model.secrets and their permissions"),
        (400, LoaderError, "the source answered 400; check the URI and the source's log"),
    ],
)
def test_a_refusal_is_one_line(tmp_path: Path, status: int, kind: type[LoaderError], said: str) -> None:
    with serving(Moving, tmp_path) as (url, seen), pytest.raises(kind) as refused:
        read(f"{url}/{status}/x?X-Amz-Signature=abc")
    assert str(refused.value) == f"{url}/{status}/x: {said}"
    assert len(seen.requests) == 1, "waiting does not help"


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=rf"{url}/x: does not answer \(Connection refused\)"):
            read(f"{url}/x")


def test_a_url_is_shown_without_its_signature_and_password() -> None:
    assert redacted("https://me:secret@host:1/a/b?token=x") == "https://host:1/a/b"
