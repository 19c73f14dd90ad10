"""Volumes, which outlive the pods of a system, and writable folders, which do not, with their mount paths."""

from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field

from models.base import Model
from models.quantity import Bytes
from models.vocabulary import MountPath, Name, StorageClass, SubdomainName


def _each_folder_once(value: object) -> object:
    """Refuse two paths of one folder: a dictionary would silently keep only the last one's size."""
    if not isinstance(value, dict):
        return value  # the type's own error says what is expected
    given, seen = cast("dict[object, object]", value), dict[str, str]()
    for path in map(str, given):
        if (first := seen.setdefault(path.rstrip("/"), path)) != path:
            raise ValueError(f"{first} and {path} are the same folder; remove one")
    return given


EachFolderOnce = BeforeValidator(_each_folder_once)
Folders = Annotated[dict[MountPath, Bytes], EachFolderOnce]
"""The maximum size of each folder, by path."""


class Volume(Model):
    """One PersistentVolumeClaim."""

    size: Bytes = Field(
        description="size in bytes; for an existing claim, the claim's size, which counts against the quota",
        examples=["5Gi"],
    )
    existing: SubdomainName | None = Field(default=None, description="use a claim that already exists in the namespace")
    storage_class: StorageClass | None = Field(default=None, description="none = the cluster's default class")
    access: Literal["ReadWriteOnce", "ReadWriteMany"] = Field(
        default="ReadWriteOnce", description="ReadWriteMany if pods on several nodes share the volume"
    )


class ModelCache(Model):
    """A volume that keeps fetched models, so that later starts do not fetch them again."""

    volume: Name = Field(description="key under volumes")
    path: MountPath = Field(default="/cache", description="mount path in the init container")


class OwnVolume(Volume):
    """The volume of a store, and the folder in which the store's server keeps its data."""

    path: MountPath = Field(default="/data", description="the server's data folder")
