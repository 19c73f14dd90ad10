import hashlib
import json
from pathlib import Path

import httpx
import pytest

from local import oci
from local.errors import LocalError


class Registry:
    """As much of the distribution API as a push uses, in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.writes: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, last = request.url.path, request.url.path.rpartition("/")[2]
        if request.method == "HEAD":
            if "/manifests/" in path:
                found = self.manifests.get(last)
                return httpx.Response(404 if found is None else 200, headers={"Docker-Content-Digest": digest(found)})
            return httpx.Response(200 if last in self.blobs else 404)
        self.writes.append(f"{request.method} {path}")
        if request.method == "POST":
            return httpx.Response(202, headers={"Location": "http://127.0.0.1:5050/v2/x/blobs/uploads/1?_state=s"})
        content = request.read()
        if "/manifests/" in path:
            assert all(layer["digest"] in self.blobs for layer in json.loads(content)["layers"])
            self.manifests[last] = content
        else:
            assert request.url.params["_state"] == "s"
            assert request.url.params["digest"] == digest(content)
            self.blobs[request.url.params["digest"]] = content
        return httpx.Response(201)


def digest(content: bytes | None) -> str:
    return f"sha256:{hashlib.sha256(content or b'').hexdigest()}"


def client(registry: Registry) -> httpx.Client:
    return httpx.Client(base_url="http://127.0.0.1:5050", transport=httpx.MockTransport(registry))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "layer.tar").write_bytes(b"layer" * 1000)
    oci.write_image(tmp_path, entrypoint=("/catatonit", "-P"), user="65535:65535")
    return tmp_path


def test_a_pushed_image_is_complete_and_named_by_its_digest(image: Path) -> None:
    registry = Registry()
    name = oci.push(image, client(registry), "pause", "1")
    manifest = json.loads(registry.manifests["1"])
    config = json.loads(registry.blobs[manifest["config"]["digest"]])
    assert name == digest(registry.manifests["1"])
    assert config["config"]["Entrypoint"] == ["/catatonit", "-P"]
    assert config["rootfs"]["diff_ids"] == [digest(b"layer" * 1000)]
    assert manifest["layers"][0]["size"] == 5000


def test_a_second_push_writes_nothing(image: Path) -> None:
    registry = Registry()
    oci.push(image, client(registry), "pause", "1")
    registry.writes.clear()
    oci.push(image, client(registry), "pause", "1")
    assert registry.writes == []


def test_a_layer_that_is_there_is_not_sent_again(image: Path) -> None:
    registry = Registry()
    oci.push(image, client(registry), "pause", "1")
    registry.manifests.clear()
    registry.writes.clear()
    oci.push(image, client(registry), "pause", "1")
    assert registry.writes == ["PUT /v2/pause/manifests/1"]


def test_the_same_content_has_the_same_digest_everywhere(image: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "layer.tar").write_bytes(b"layer" * 1000)
    oci.write_image(other, entrypoint=("/catatonit", "-P"), user="65535:65535")
    assert (other / "manifest.json").read_bytes() == (image / "manifest.json").read_bytes()


def test_an_upper_layer_comes_after_the_one_that_it_stands_on(image: Path) -> None:
    (image / "layer1.tar").write_bytes(b"upper")
    oci.write_image(image)
    registry = Registry()
    oci.push(image, client(registry), "base/redis", "bookworm")
    manifest = json.loads(registry.manifests["bookworm"])
    layers = [digest(b"layer" * 1000), digest(b"upper")]
    assert [layer["digest"] for layer in manifest["layers"]] == layers
    config = json.loads(registry.blobs[manifest["config"]["digest"]])
    assert config["rootfs"]["diff_ids"] == layers
    assert len(config["history"]) == len(layers)


def test_a_registry_that_is_not_there_is_one_line(image: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with (
        httpx.Client(base_url="http://127.0.0.1:5050", transport=httpx.MockTransport(refuse)) as down,
        pytest.raises(LocalError, match=r"registry: pushing pause:1 failed: connection refused"),
    ):
        oci.push(image, down, "pause", "1")
