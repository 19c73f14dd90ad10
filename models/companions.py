"""Containers beside the server: sidecars, which run as long as the server does, and init containers, which run before.

Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
"""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.checks import AnyCheck, as_check
from models.errors import Faults
from models.file_mounts import FileMounts
from models.limits import Arguments, Command
from models.ports import WEB, FreePortName
from models.quantity import bytes_text, parse
from models.resources import LOG_ROOM, Resources
from models.security import User
from models.storage import Folders
from models.variables import EnvironmentVariables
from models.vocabulary import DigestReference, MountPath, Name, Port, Positive, Seconds

SERVER, LOADER = "server", "model"
"""Names of the containers that Slipway adds to a service's pod: the server, and the one that fetches its model."""


class Companion(Model):
    """The fields that sidecars and init containers have in common. Both share the server's /tmp and network."""

    name: Name = Field(description="name of the container", examples=["auth"])
    image: DigestReference | None = Field(default=None, description="none = the service's own image")
    command: Command | None = Field(default=None, description="replaces the image's entry point")
    args: Arguments = Field(default=(), description="arguments of the entry point")
    env: EnvironmentVariables = Field(default_factory=dict, description="literal values; never secrets")
    secrets: tuple[Name, ...] = Field(default=(), description="keys under secrets, as environment variables")
    user: User | None = Field(default=None, description="none = the user of the pod")
    writable: Folders = Field(
        default_factory=dict, description="writable folders of this container alone, by path: the maximum size"
    )
    paths: tuple[MountPath, ...] = Field(
        default=(),
        description="folders under the service's home, writable and mounts that it shares, at the same path",
    )
    file_mounts: FileMounts | None = Field(default=None, description="files that only this container sees")
    resources: Resources

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if faults := list(self._faults()):
            raise Faults(faults)
        return self

    def _faults(self) -> Iterator[str]:
        if self.name in (SERVER, LOADER):
            yield f"name: {self.name!r}: a container of Slipway has this name; choose another name"
        if self.resources.devices:
            yield "resources.devices: only the server can have extended resources; remove it"
        limit = self.resources.limits.ephemeral_storage
        written = sum(map(parse, self.writable.values()), start=parse(LOG_ROOM))
        if written > parse(limit):
            yield (
                f"resources.limits.ephemeral-storage: {limit} is less than writable and {LOG_ROOM} of logs together "
                f"({bytes_text(written)}), so the kubelet would evict the pod; raise it"
            )


class InitContainer(Companion):
    """A container that must exit with 0 before the server starts."""


class Sidecar(Companion):
    """A container that starts before the server and stops after it."""

    ports: dict[FreePortName, Port] = Field(default_factory=dict, description="ports of this container, by name")
    entrance: bool = Field(
        default=False,
        strict=True,
        description="this container takes the requests to the service's port, as an authenticating proxy does; the "
        "server then listens on one of its own ports",
    )
    ready: AnyCheck | None = Field(
        default=None,
        description="check that must succeed before the next container starts, and for the pod to be ready",
    )
    startup: Seconds = Field(default=60, ge=1, description="time limit from container start to ready")
    period: Seconds = Field(default=5, ge=1, description="interval between two probes")
    timeout: Seconds = Field(default=3, ge=1, description="time limit for one probe's answer")
    failures: Positive = Field(default=3, description="consecutive failed probes before the pod is not ready")

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        if self.ready is not None:
            yield from unknown_port("ready", self.ready, self.ports, own_port=self.entrance)


def unknown_port(where: str, check: AnyCheck, ports: dict[str, int], *, own_port: bool) -> Iterator[str]:
    """Yield a fault if a check connects to a port that its container lacks. The kubelet would fail every probe."""
    long = as_check(check)
    if not long.asks_a_port:
        return
    known = ", ".join(ports) or "none is declared"
    if long.port is None or long.port == WEB:
        if not own_port:
            rule = "the service's port belongs to another container"
            yield f"{where}: {rule}; name one of this container's ports ({known})"
    elif long.port not in ports:
        yield f"{where}: {long.port!r} is not one of the container's ports ({known}); declare it under ports"
