"""Jobs: work that runs to completion, such as training, an import or a migration."""

from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.limits import Arguments
from models.quantity import Bytes, parse
from models.resources import LOG_ROOM, Resources
from models.scheduling import Scheduling
from models.variables import EnvironmentVariables
from models.vocabulary import Count, Name, Seconds


class JobSpec(Model):
    """A Kubernetes Job with temporary storage only. A change of its image or arguments creates a new Job."""

    image: Name = Field(description="key under images")
    args: Arguments = Field(default=(), description="arguments of the image's entry point")
    env: EnvironmentVariables = Field(default_factory=dict, description="literal values; never secrets")
    secrets: tuple[Name, ...] = Field(default=(), description="keys under secrets, as environment variables")
    calls: tuple[Name, ...] = Field(default=(), description="services and stores that the Job calls")
    externals: tuple[Name, ...] = Field(default=(), description="servers under slipway:externals that the Job calls")
    object_storage: bool = Field(default=False, strict=True, description="reads or writes slipway:objectStorage")
    resources: Resources
    scratch: Bytes = Field(default="64Mi", description="size of /tmp, the only writable folder")
    before: tuple[Name, ...] = Field(default=(), description="services that start only after the Job has succeeded")
    retries: Count = Field(default=2, le=20, description="additional attempts after a failure")
    deadline: Seconds = Field(
        default=1800, ge=1, description="time limit for all attempts together; Pulumi waits this long"
    )
    keep: Seconds = Field(default=600, description="time until the finished Job and its logs are removed")
    scheduling: Scheduling = Scheduling()

    @model_validator(mode="after")
    def _each_service_once(self) -> Self:
        if len(set(self.before)) != len(self.before):
            raise ValueError("before names a service twice; remove one")
        return self

    @model_validator(mode="after")
    def _scratch_fits(self) -> Self:
        limit = self.resources.limits.ephemeral_storage
        if parse(self.scratch) + parse(LOG_ROOM) > parse(limit):
            raise ValueError(
                f"resources.limits.ephemeral-storage {limit} is less than scratch {self.scratch} plus {LOG_ROOM} of "
                "logs, so the kubelet would evict the pod; raise it"
            )
        return self
