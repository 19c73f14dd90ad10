"""The volumes of a system, which outlive its pods, and where containers mount them."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.quantity import Quantity
from models.vocabulary import MountPath, Name, SubdomainName


class Volume(Model):
    """One PersistentVolumeClaim."""

    size: Quantity = Field(
        description="size in bytes; for an existing claim, the claim's size, which counts against the quota",
        examples=["5Gi"],
    )
    existing: SubdomainName | None = Field(default=None, description="use a claim that already exists in the namespace")
    storage_class: SubdomainName | None = Field(default=None, description="none = the cluster's default class")
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
