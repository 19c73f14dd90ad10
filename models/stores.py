"""Servers that keep data: a cache, a queue, a database. Each store is one pod with a volume that outlives the pod."""

from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.limits import Arguments
from models.resources import Resources
from models.scheduling import Scheduling
from models.storage import OwnVolume
from models.variables import EnvironmentVariables
from models.vocabulary import INT32, HttpPath, Name, Port, Positive, Seconds, Text


class StoreHealth(Model):
    """How the kubelet probes the store. With neither path nor command, the probe opens a TCP connection."""

    path: HttpPath | None = Field(default=None, description="path that answers 200 when the store is ready")
    command: tuple[Text, ...] | None = Field(
        default=None, description="command that exits with 0 when the store is ready"
    )
    startup: Seconds = Field(
        default=60, ge=1, description="time limit from container start to ready; the container is killed after it"
    )
    period: Seconds = Field(default=5, ge=1, description="interval between two probes")
    timeout: Seconds = Field(default=3, ge=1, description="time limit for one probe's answer")
    failures: Positive = Field(
        default=3,
        le=INT32 // 2,  # the liveness probe has twice as many
        description="consecutive failed probes before the probe counts as failed",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.path and self.command:
            raise ValueError("set path or command, not both; a probe has one action")
        if self.startup < self.period:
            raise ValueError(f"startup {self.startup}s is shorter than one period {self.period}s; raise it")
        return self


class StoreSpec(Model):
    """A StatefulSet of one replica, behind a Service with the store's name."""

    image: Name = Field(description="key under images")
    port: Port = Field(description="port of the server, and of the Service with the store's name", examples=[6379])
    args: Arguments = Field(default=(), description="arguments of the image's entry point")
    env: EnvironmentVariables = Field(default_factory=dict, description="literal values; never secrets")
    secrets: tuple[Name, ...] = Field(default=(), description="keys under secrets, as environment variables")
    volume: OwnVolume
    resources: Resources
    health: StoreHealth = StoreHealth()
    grace: Seconds = Field(default=30, ge=1, description="time to write all data after SIGTERM")
    scheduling: Scheduling = Scheduling()


class StoreOverlay(Model):
    """The blocks of a store that an environment may change."""

    volume: OwnVolume | None = Field(default=None, description="none = the entry's volume")
    resources: Resources | None = Field(default=None, description="none = the entry's resources")
    scheduling: Scheduling | None = Field(default=None, description="none = the entry's scheduling")

    @model_validator(mode="after")
    def _nothing_taken_away(self) -> Self:
        if empty := [name for name in sorted(self.model_fields_set) if getattr(self, name) is None]:
            raise ValueError(f"{', '.join(empty)}: no value is set; remove the key, or set a value")
        return self
