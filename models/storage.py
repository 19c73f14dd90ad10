"""What outlives a pod: volumes of the system, and where a container sees one."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.quantity import Quantity
from models.vocabulary import MountPath, Name, SubdomainName


class Volume(Model):
    """One PersistentVolumeClaim."""

    size: Quantity = Field(
        description="size in bytes; for an existing claim, its size, which counts against the quota", examples=["5Gi"]
    )
    existing: SubdomainName | None = Field(default=None, description="use a claim that already exists in the namespace")
    storage_class: SubdomainName | None = Field(default=None, description="none = the cluster's default class")
    access: Literal["ReadWriteOnce", "ReadWriteMany"] = Field(
        default="ReadWriteOnce", description="ReadWriteMany where pods on several nodes share it"
    )


class ModelCache(Model):
    """A volume on which fetched models stay, so that a second start fetches nothing."""

    volume: Name = Field(description="key under volumes")
    path: MountPath = Field(default="/cache", description="mount path in the init container")


class OwnVolume(Volume):
    """The volume of one store, with where its server keeps its data."""

    path: MountPath = Field(default="/data", description="the server's data folder")
