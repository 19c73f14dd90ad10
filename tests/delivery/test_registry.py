"""A tag becomes the digest that its registry names now; whatever is no tag at a registry stays as it is."""

import base64
import hashlib
import json
from pathlib import Path

import httpx
import pytest
from docker.auth import INDEX_NAME, INDEX_URL

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
    configure(folder, monkeypatch, {"auths": {registry: {"auth": LOGIN}}})


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch, config: object) -> None:
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


@pytest.fixture(autouse=True)
def _no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "none"))


def test_a_tag_is_its_digest() -> None:
    registry = Registry()
    assert resolved(TAG, registry) == f"registry.example.com/ml/app@{FOUND}"
    assert registry.asked == ["https://registry.example.com/v2/ml/app/manifests/1.2"]


@pytest.mark.parametrize("host", ["localhost:5050", "127.0.0.1:5050", "127.1.2.3:5050", "[::1]:5050"])
def test_a_registry_on_this_machine_is_asked_without_tls_as_docker_asks_it(host: str) -> None:
    local = Registry()
    assert resolved(f"{host}/ml/app:1.2", local) == f"{host}/ml/app@{FOUND}"
    assert local.asked == [f"http://{host}/v2/ml/app/manifests/1.2"]


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
    log_in(tmp_path, monkeypatch, INDEX_URL)
    hub = Registry(BEARER, LOGIN)
    assert resolved(f"{INDEX_NAME}/ml/app:1.2", hub) == f"{INDEX_NAME}/ml/app@{FOUND}"
    assert hub.asked[0] == f"https://index.{INDEX_NAME}/v2/ml/app/manifests/1.2"
    official = Registry()
    with pytest.raises(DeliveryError, match="answered 404"):
        resolved(f"{INDEX_NAME}/redis:8", official)
    assert official.asked == [f"https://index.{INDEX_NAME}/v2/library/redis/manifests/8"]


HELPER = """#!/bin/sh
read -r registry
[ "$1 $registry" = "get registry.example.com" ] || { echo "credentials not found in native keychain"; exit 1; }
echo '{"ServerURL": "registry.example.com", "Username": "ann", "Secret": "%s"}'
"""


def test_a_login_that_a_credential_helper_keeps_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, monkeypatch, {"credsStore": "desk"})
    with pytest.raises(DeliveryError, match=r"^the login for registry.example.com in Docker's configuration cannot be"):
        resolved(TAG, Registry(BEARER, LOGIN))  # the helper is not installed
    helper = tmp_path / "docker-credential-desk"
    helper.write_text(HELPER % PLANTED)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert resolved(TAG, Registry(BEARER, LOGIN)).endswith(FOUND)
    with pytest.raises(DeliveryError, match="answered 401; log in with docker login"):
        resolved(TAG.replace("registry", "other"), Registry(BEARER, LOGIN))


@pytest.mark.parametrize("auth", ["*", base64.b64encode(b"no colon").decode()])
def test_a_login_that_cannot_be_read_is_one_line(auth: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, monkeypatch, {"auths": {"registry.example.com": {"auth": auth}}})
    with pytest.raises(DeliveryError, match="in Docker's configuration cannot be read") as said:
        resolved(TAG, Registry(BEARER, LOGIN))
    assert "\n" not in str(said.value)


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


@pytest.mark.parametrize("host", ["[x:5050", "[::g]:5050", "registry.example.com:port"])
def test_a_host_that_no_url_may_have_is_one_line(host: str) -> None:
    with pytest.raises(DeliveryError, match=r"^--image [^\n]*: the registry [^\n]+$"):
        resolved(f"{host}/ml/app:1.2", Registry())


def test_a_proxy_that_cannot_be_used_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://proxy:1080")
    with pytest.raises(DeliveryError, match=r"the registry registry\.example\.com does not answer: .*: socks5 proxies"):
        resolved(TAG)


def test_a_name_that_no_image_may_have_is_left_to_the_model() -> None:
    """The model's message says what is wrong with it."""
    upper = "registry.example.com/ML/ml/app:1.2"
    assert resolved(upper, Registry()) == f"registry.example.com/ML/ml/app@{FOUND}"
