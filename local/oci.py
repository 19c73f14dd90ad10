"""Make OCI images from tar files, and push them to the local registry through its HTTP API.

The images that the cluster starts from (pause and the bases) must exist before anything is built, so no builder makes
them: an image is tar files, two JSON documents and their digests. The layers stay uncompressed: they only travel over
loopback, where compression costs more than it saves.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from local.errors import LocalError

_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_EPOCH = "1970-01-01T00:00:00Z"  # the same content must have the same digest on every machine
_LAYERS, _MANIFEST, _CONFIG = "layer*.tar", "manifest.json", "config.json"


def write_image(folder: Path, *, entrypoint: Sequence[str] = (), user: str = "", architecture: str = "amd64") -> None:
    """Write the manifest and the configuration beside the layers, which must be in the folder.

    The layers are `layer.tar` and, on top of it, `layer1.tar`, `layer2.tar` and so on.
    """
    layers = [(_file_digest(layer), layer.stat().st_size) for layer in _layers(folder)]
    process: dict[str, Any] = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    if entrypoint:
        process["Entrypoint"] = list(entrypoint)
    if user:
        process["User"] = user
    config = _canonical(
        {
            "created": _EPOCH,
            "architecture": architecture,
            "os": "linux",
            "config": process,
            "rootfs": {"type": "layers", "diff_ids": [name for name, _ in layers]},
            "history": [{"created": _EPOCH, "created_by": "slipway local"} for _ in layers],
        }
    )
    (folder / _CONFIG).write_bytes(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST_TYPE,
        "config": {"mediaType": _CONFIG_TYPE, "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": _LAYER_TYPE, "digest": name, "size": size} for name, size in layers],
    }
    (folder / _MANIFEST).write_bytes(_canonical(manifest))


def push(folder: Path, registry: httpx.Client, repository: str, tag: str) -> str:
    """Push an image that `write_image` made, unless the tag already names it, and return its digest.

    Args:
        folder: The image.
        registry: A client whose base URL is the registry.
        repository: The image's name in the registry.
        tag: The image's tag.

    Raises:
        LocalError: the registry refuses the image, or cannot be reached.
    """
    manifest = (folder / _MANIFEST).read_bytes()
    place = f"/v2/{repository}/manifests/{tag}"
    try:
        if registry.head(place, headers={"Accept": _MANIFEST_TYPE}).headers.get("Docker-Content-Digest") == digest(
            manifest
        ):
            return digest(manifest)
        described = json.loads(manifest)
        for file, layer in zip(_layers(folder), described["layers"], strict=True):
            _push_blob(registry, repository, file, layer["digest"])
        _push_blob(registry, repository, folder / _CONFIG, described["config"]["digest"])
        registry.put(place, content=manifest, headers={"Content-Type": _MANIFEST_TYPE}).raise_for_status()
    except httpx.HTTPError as failure:
        raise LocalError(f"registry: pushing {repository}:{tag} failed: {failure}: see logs/registry.log") from failure
    return digest(manifest)


def digest(content: bytes) -> str:
    """Return the digest by which a registry names this content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _push_blob(registry: httpx.Client, repository: str, file: Path, name: str) -> None:
    if registry.head(f"/v2/{repository}/blobs/{name}").is_success:
        return
    upload = registry.post(f"/v2/{repository}/blobs/uploads/").raise_for_status()
    place = httpx.URL(upload.headers["Location"]).copy_merge_params({"digest": name})
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
    with file.open("rb") as content:
        registry.put(place, content=content, headers=headers).raise_for_status()


def _layers(folder: Path) -> list[Path]:
    """Return an image's layers from the bottom up: `layer.tar` sorts before `layer1.tar`."""
    return sorted(folder.glob(_LAYERS))


def _file_digest(file: Path) -> str:
    with file.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
