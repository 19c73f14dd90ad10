"""Reads and pushes images through the registry's distribution API."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any, cast

import httpx

_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def _get(repository: str, rest: str) -> httpx.Response:
    host, _, name = repository.partition("/")
    reply = httpx.get(f"http://{host}/v2/{name}/{rest}", headers={"Accept": ", ".join(_TYPES)}, timeout=30)
    return reply.raise_for_status()


def digest_of(repository: str, tag: str) -> str:
    """Return the digest that a tag points at."""
    return _get(repository, f"manifests/{tag}").headers["Docker-Content-Digest"]


def manifest(repository: str, reference: str) -> dict[str, Any]:
    """Return the image's manifest; for an index, the manifest of its first platform (attestations come later)."""
    content = cast("dict[str, Any]", _get(repository, f"manifests/{reference}").json())
    if "manifests" in content:
        return manifest(repository, content["manifests"][0]["digest"])
    return content


def unpacked_size(repository: str, digest: str) -> int:
    """Return a gzip layer's size once unpacked, in bytes of tar."""
    data = _get(repository, f"blobs/{digest}").content
    return len(zlib.decompress(data, wbits=zlib.MAX_WBITS | 16))


def contents(host: str) -> dict[str, list[str]]:
    """Return every repository with its tags."""
    names = httpx.get(f"http://{host}/v2/_catalog", timeout=30).raise_for_status().json()["repositories"]
    return {name: sorted(_get(f"{host}/{name}", "tags/list").json()["tags"] or []) for name in names}


def pushed_again(repository: str, digest: str, label: str = "again", *variables: str) -> str:
    """Push an image with one more label: the same layers under another digest, as after a new build.

    The variables, each NAME=value, are added to those of the image.
    """
    content, config = _documents(repository, digest)
    config["config"]["Env"] = [*config["config"].get("Env", []), *variables]
    config["config"]["Labels"] = {**(config["config"].get("Labels") or {}), "test": label}
    return _pushed(repository, content, config)


def pushed_with(repository: str, digest: str, layer: bytes, *variables: str) -> str:
    """Push an image with one more layer (a tar archive) and more variables, each NAME=value."""
    content, config = _documents(repository, digest)
    if variables:
        config["config"]["Env"] = [*config["config"].get("Env", []), *variables]
    content["layers"].append({"mediaType": _LAYER, "digest": _digest(layer), "size": len(layer)})
    config["rootfs"]["diff_ids"].append(_digest(layer))
    config.pop("history", None)  # the history must have an entry for each layer, or be absent
    return _pushed(repository, content, config, layer)


def layer_of(folder: str, files: Mapping[str, bytes]) -> bytes:
    """Return a layer with these files in a folder, as a tar archive: the same bytes for the same files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, file in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(file), 0o644
            tar.addfile(entry, io.BytesIO(file))
    return content.getvalue()


def _documents(repository: str, digest: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content = manifest(repository, digest)
    return content, cast("dict[str, Any]", _get(repository, f"blobs/{content['config']['digest']}").json())


def _pushed(repository: str, content: dict[str, Any], config: dict[str, Any], *layers: bytes) -> str:
    host, _, name = repository.partition("/")
    blob = json.dumps(config).encode()
    content["config"] |= {"digest": _digest(blob), "size": len(blob)}
    document = json.dumps(content).encode()
    with httpx.Client(base_url=f"http://{host}/v2/{name}/", timeout=30) as client:
        for part in (*layers, blob):
            place = client.post("blobs/uploads/").raise_for_status().headers["Location"]
            upload = httpx.URL(place).copy_merge_params({"digest": _digest(part)})
            client.put(upload, content=part, headers={"Content-Type": "application/octet-stream"}).raise_for_status()
        kind = {"Content-Type": content["mediaType"]}
        client.put(f"manifests/{_digest(document)}", content=document, headers=kind).raise_for_status()
    return f"{repository}@{_digest(document)}"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
