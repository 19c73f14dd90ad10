"""Single files of a pod's containers: their volumes, their mounts and the ConfigMap with their texts."""

from collections.abc import Iterator, Mapping

from components import names
from components.manifests.container import BoundSecret
from components.manifests.manifest import Json
from components.manifests.settings import Content
from models.companions import SERVER
from models.file_mounts import FileMount
from models.service import ServiceSpec

_VOLUME = "texts"
_READABLE = 0o440
"""Mode of a secret's files: the pod's user is in the group that owns them."""

Mounted = Mapping[str, FileMount]


def by_container(spec: ServiceSpec) -> dict[str, Mounted]:
    """Return the files of each container, by its name."""
    files: dict[str, Mounted] = {SERVER: spec.file_mounts or {}}
    return {**files, **{companion.name: companion.file_mounts or {} for companion in spec.companions}}


def texts(spec: ServiceSpec) -> Content | None:
    """Return the texts of all files of a pod, or None if there are none."""
    data = {
        _key(container, path): mount.text
        for container, files in by_container(spec).items()
        for path, mount in files.items()
        if mount.text is not None
    }
    return Content(data=data) if data else None


def texts_map_name(service: str, slot: str, content: Content) -> str:
    """Return the name of the ConfigMap with the texts, from slot and content."""
    return names.joined(service, slot, _VOLUME, content.content_hash)


def mounts(container: str, files: Mounted) -> list[Json]:
    """Return the mounts of a container's files."""
    return [
        {
            "name": _secret_volume(mount.secret) if mount.secret else _VOLUME,
            "mountPath": path,
            "subPath": mount.key or _key(container, path),
            "readOnly": True,
        }
        for path, mount in files.items()
    ]


def volumes(spec: ServiceSpec, texts_map: str | None, secrets: Mapping[str, BoundSecret]) -> Iterator[Json]:
    """Yield the volumes of all files of a pod."""
    if texts_map:
        yield {"name": _VOLUME, "configMap": {"name": texts_map}}
    every = (mount.secret for files in by_container(spec).values() for mount in files.values())
    for secret in dict.fromkeys(name for name in every if name):
        source = {"secretName": secrets[secret][0], "defaultMode": _READABLE}
        yield {"name": _secret_volume(secret), "secret": source}


def _secret_volume(secret: str) -> str:
    return names.joined("secret", secret)


def _key(container: str, path: str) -> str:
    """Return a key of the ConfigMap. No two paths have the same: '_' is doubled, and '/' is '_.'."""
    return f"{container}{path.replace('_', '__').replace('/', '_.')}"
