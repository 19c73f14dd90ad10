"""What the registry itself says about an image, over the distribution API."""

import zlib
from typing import Any, cast

import httpx

_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


def _get(repository: str, rest: str) -> httpx.Response:
    host, _, name = repository.partition("/")
    reply = httpx.get(f"http://{host}/v2/{name}/{rest}", headers={"Accept": ", ".join(_TYPES)}, timeout=30)
    return reply.raise_for_status()


def digest_of(repository: str, tag: str) -> str:
    """Give the digest that a tag points at."""
    return _get(repository, f"manifests/{tag}").headers["Docker-Content-Digest"]


def manifest(repository: str, reference: str) -> dict[str, Any]:
    """Give the image manifest; of an index, that of its first platform (attestations come after)."""
    content = cast("dict[str, Any]", _get(repository, f"manifests/{reference}").json())
    if "manifests" in content:
        return manifest(repository, content["manifests"][0]["digest"])
    return content


def unpacked_size(repository: str, digest: str) -> int:
    """Give a gzip layer's size once unpacked, in bytes of tar."""
    data = _get(repository, f"blobs/{digest}").content
    return len(zlib.decompress(data, wbits=zlib.MAX_WBITS | 16))


def contents(host: str) -> dict[str, list[str]]:
    """List every repository with its tags."""
    names = httpx.get(f"http://{host}/v2/_catalog", timeout=30).raise_for_status().json()["repositories"]
    return {name: sorted(_get(f"{host}/{name}", "tags/list").json()["tags"] or []) for name in names}
