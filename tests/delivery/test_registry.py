"""A tag becomes the digest that its registry names now; whatever is no tag at a registry stays as it is."""

import base64
import hashlib
import json
from pathlib import Path

import httpx
import pytest

from delivery.errors import DeliveryError
from delivery.registry import resolved
from tests.samples import IMAGE, PLANTED

MANIFEST = b'{"schemaVersion": 2}'
FOUND = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
LOGIN = base64.b64encode(f"ann:{PLANTED}".encode()).decode()


class Registry(httpx.MockTransport):
    """A registry with one tag, which asks for a token or a password."""

    def __init__(self, challenge: str = "", login: str = "") -> None:
        super().__init__(self._answer)
        self.challenge, self.login = challenge, login
        self.asked: list[str] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        allowed = request.headers.get("authorization", "")
        if request.url.path == "/token":
            issued = not self.login or allowed == f"Basic {self.login}"
            return httpx.Response(200, json={"token": "t"}) if issued else httpx.Response(401)
        if self.challenge and allowed not in ("Bearer t", f"Basic {self.login}"):
            return httpx.Response(401, headers={"WWW-Authenticate": self.challenge})
        if not request.url.path.endswith("/ml/app/manifests/1.2"):
            return httpx.Response(404)
        assert "application/vnd.oci.image.index.v1+json" in request.headers["accept"]
        return httpx.Response(200, content=MANIFEST)


BEARER = 'Bearer realm="https://auth.example.com/token",service="registry",scope="repository:ml/app:pull"'
TAG = "registry.example.com/ml/app:1.2"


def log_in(folder: Path, monkeypatch: pytest.MonkeyPatch, registry: str = "registry.example.com") -> None:
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": LOGIN}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


@pytest.fixture(autouse=True)
def _no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))


def test_a_tag_is_its_digest() -> None:
    registry = Registry()
    assert resolved(TAG, registry) == f"registry.example.com/ml/app@{FOUND}"
    assert registry.asked == ["https://registry.example.com/v2/ml/app/manifests/1.2"]
    local = Registry()
    assert resolved("localhost:5050/ml/app:1.2", local) == f"localhost:5050/ml/app@{FOUND}"
    assert local.asked[0].startswith("http://")


@pytest.mark.parametrize("reference", [IMAGE, "server:latest", "library/server:latest", "<none>@<none>", "a.b/c", ""])
def test_what_is_no_tag_at_a_registry_stays_as_it_is_and_nobody_is_asked(reference: str) -> None:
    registry = Registry()
    assert resolved(reference, registry) == reference
    assert registry.asked == []


def test_a_token_is_fetched_with_the_login_of_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved(TAG, Registry(BEARER)).endswith(FOUND)
    with pytest.raises(DeliveryError, match="answered 401; log in with docker login"):
        resolved(TAG, Registry(BEARER, LOGIN))
    log_in(tmp_path, monkeypatch)
    registry = Registry(BEARER, LOGIN)
    assert resolved(TAG, registry).endswith(FOUND)
    assert registry.asked[1] == "https://auth.example.com/token?service=registry&scope=repository%3Aml%2Fapp%3Apull"
    assert resolved(TAG, Registry('Basic realm="r"', LOGIN)).endswith(FOUND)


def test_docker_hub_has_another_host_and_another_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(tmp_path, monkeypatch, "https://index.docker.io/v1/")
    hub = Registry(BEARER, LOGIN)
    assert resolved("docker.io/ml/app:1.2", hub) == f"docker.io/ml/app@{FOUND}"
    assert hub.asked[0] == "https://registry-1.docker.io/v2/ml/app/manifests/1.2"
    official = Registry()
    with pytest.raises(DeliveryError, match="answered 404"):
        resolved("docker.io/redis:8", official)
    assert official.asked == ["https://registry-1.docker.io/v2/library/redis/manifests/8"]


def test_no_password_leaves_in_clear_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(tmp_path, monkeypatch)
    registry = Registry(BEARER.replace("https://", "http://"), LOGIN)
    with pytest.raises(DeliveryError, match="answered 401"):
        resolved(TAG, registry)
    assert not any(url.startswith("http://auth") for url in registry.asked)


def test_a_missing_tag_and_a_silent_registry_are_one_line_each() -> None:
    host = "registry.example.com"
    said = f"--image {host}/ml/app:2: the registry {host} answered 404; check repository and tag"
    with pytest.raises(DeliveryError) as missing:
        resolved("registry.example.com/ml/app:2", Registry())
    assert str(missing.value) == said

    def silent(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    with pytest.raises(DeliveryError, match="does not answer: no route"):
        resolved(TAG, httpx.MockTransport(silent))


@pytest.mark.parametrize("page", [b"<html>log in</html>", b"[]", b"{}"])
def test_a_realm_that_issues_no_token_is_one_line(page: bytes) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, content=page)
        return httpx.Response(401, headers={"WWW-Authenticate": BEARER})

    with pytest.raises(DeliveryError, match="answered 401; log in with docker login"):
        resolved(TAG, httpx.MockTransport(answer))


def test_a_proxy_that_cannot_be_used_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://proxy:1080")
    with pytest.raises(DeliveryError, match=r"the registry registry\.example\.com does not answer: .*: socks5 proxies"):
        resolved(TAG)


def test_a_name_that_no_image_may_have_is_left_to_the_model() -> None:
    """The model's message says what is wrong with it."""
    upper = "registry.example.com/ML/ml/app:1.2"
    assert resolved(upper, Registry()) == f"registry.example.com/ML/ml/app@{FOUND}"
