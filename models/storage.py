"""What outlives a pod: volumes of the system, and where a container sees one."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.quantity import Quantity
from models.vocabulary import MountPath, Name, SubdomainName


class Volume(Model):
    """One PersistentVolumeClaim."""

    size: Quantity = Field(
        description="bytes; of an existing claim what it claims, which the quota counts", examples=["5Gi"]
    )
    existing: SubdomainName | None = Field(default=None, description="a claim of the namespace that is there already")
    storage_class: SubdomainName | None = Field(default=None, description="none = the cluster's default class")
    access: Literal["ReadWriteOnce", "ReadWriteMany"] = Field(
        default="ReadWriteOnce", description="ReadWriteMany where pods on several nodes share it"
    )


class ModelCache(Model):
    """A volume on which fetched models stay, so that a second start fetches nothing."""

    volume: Name = Field(description="key under volumes")
    path: MountPath = Field(default="/cache", description="where the init container sees it")


class OwnVolume(Volume):
    """The volume of one store, with where its server keeps its data."""

    path: MountPath = Field(default="/data", description="the server's data folder")
