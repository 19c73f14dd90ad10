"""The resource requests and limits of one container."""

from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.quantity import Bytes, Cores, Memory, parse
from models.vocabulary import DeviceName, Positive

LOG_ROOM = "50Mi"
"""The ephemeral storage that a container's logs can take: the kubelet keeps five files of 10Mi each."""


class ResourceList(Model):
    """The amount of each resource for one container."""

    cpu: Cores = Field(description="cores, such as 500m")
    memory: Memory = Field(description="bytes, such as 2Gi")
    ephemeral_storage: Bytes = Field(
        default="1Gi", alias="ephemeral-storage", description="bytes of logs, emptyDir volumes and writable layer"
    )


class Resources(Model):
    """Requests (what the scheduler reserves) and limits (what the kernel enforces)."""

    requests: ResourceList
    limits: ResourceList
    devices: dict[DeviceName, Positive] = Field(
        default_factory=dict, description="extended resources such as GPUs, in whole units; requests equal limits"
    )

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Self:
        for field, info in ResourceList.model_fields.items():
            asked, most = getattr(self.requests, field), getattr(self.limits, field)
            if parse(asked) > parse(most):
                key = info.alias or field
                raise ValueError(
                    f"requests.{key} {asked} exceeds limits.{key} {most}; lower the request or raise the limit"
                )
        return self
