"""How a service's pod runs an image as its authors made it. Each optional field changes nothing while it is unset.

The default of every field is None, so that revisions that use no such field keep their hashes.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from models.base import Model
from models.companions import Companion, InitContainer, Sidecar
from models.file_mounts import FileMounts
from models.limits import Command
from models.ports import FreePortName
from models.protocol import AppProtocol
from models.quantity import Bytes
from models.security import PodSecurity, User
from models.storage import EachFolderOnce
from models.vocabulary import MountPath, Port


class Home(Model):
    """A home folder that the server may write to. It starts empty and hides what the image has there."""

    path: MountPath = Field(description="path of the folder; the variable HOME contains it", examples=["/srv/app"])
    size: Bytes = Field(default="64Mi", description="maximum size; the kubelet evicts a pod that exceeds it")


class ContainerSpec(Model):
    """The fields for running an image that was not built for Slipway."""

    command: Command | None = Field(default=None, description="replaces the image's entry point; none = the image's")
    app_protocol: AppProtocol | None = Field(
        default=None,
        description="what the service's port speaks: http, ws (WebSocket), h2c (HTTP/2 without TLS) or grpc; "
        "none = HTTP/1.1, also with WebSockets",
    )
    ports: dict[FreePortName, Port] | None = Field(
        default=None,
        min_length=1,
        description="further ports of the server by name, such as grpc or metrics; callers reach them by number",
        examples=[{"grpc": 9000}],
    )
    user: User | None = Field(
        default=None,
        description="user id of the containers; image = the image's own user, which must be a number and not 0; "
        "namespace = assigned by the cluster, as on OpenShift; none = 10001",
    )
    home: Home | None = Field(default=None, description="none = no home folder and no variable HOME")
    writable: Annotated[dict[MountPath, Bytes], Field(min_length=1), EachFolderOnce] | None = Field(
        default=None,
        description="further folders that the server may write to, by path: the maximum size",
        examples=[{"/var/cache/app": "128Mi"}],
    )
    file_mounts: FileMounts | None = Field(
        default=None,
        description="single files at any path: configuration as text, or a key of a secret",
        examples=[{"/app/config.toml": {"text": "debug = false\n"}}],
    )
    sidecars: tuple[Sidecar, ...] | None = Field(
        default=None,
        min_length=1,
        description="containers that run beside the server; each starts when the one before is ready",
    )
    init: tuple[InitContainer, ...] | None = Field(
        default=None,
        min_length=1,
        description="containers that run after the sidecars have started and the model is fetched, one by one",
    )
    pod_security: PodSecurity | None = Field(
        default=None, description="only for an image that cannot run under the restricted standard"
    )

    @property
    def companions(self) -> tuple[Companion, ...]:
        """Sidecars and init containers, in the order in which they start."""
        return *(self.sidecars or ()), *(self.init or ())

    @property
    def entrance(self) -> Sidecar | None:
        """The sidecar that takes the service's requests, if there is one."""
        return next((sidecar for sidecar in self.sidecars or () if sidecar.entrance), None)

    @property
    def folders(self) -> Mapping[str, str]:
        """The size of each folder that the server may write to besides /tmp and its volumes, by path."""
        home = {self.home.path: self.home.size} if self.home else {}
        return {**home, **(self.writable or {})}

    @property
    def unprivileged(self) -> bool:
        """Whether the kubelet refuses to start the server as root."""
        return self.pod_security is None or self.user not in (0, "image")

    @property
    def open_ports(self) -> dict[str, int]:
        """All ports of the pod by name, besides the service's own."""
        of_sidecars = (port for sidecar in self.sidecars or () for port in sidecar.ports.items())
        return {**(self.ports or {}), **dict(of_sidecars)}
