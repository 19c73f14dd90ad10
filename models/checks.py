"""How the kubelet asks a container for its health: over HTTP, gRPC or TCP, or with a command.

Source: ``validateProbe`` and ``validateHandler`` of Kubernetes: a probe has exactly one handler, and the port of a gRPC
handler is a number. Slipway writes that number from the port's name. ``IsHTTPHeaderName`` permits less than RFC 9110.
"""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from models.base import Model
from models.errors import enumerated
from models.limits import Command
from models.ports import PortName
from models.vocabulary import HttpPath, Seconds, Text

_HEADER = re.compile(r"[-A-Za-z0-9]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("the name of a probe's header contains only letters, digits and '-'")
    return value


def _header_value(value: str) -> str:
    """Refuse a value that no HTTP client can send: the kubelet would fail every probe."""
    if not _VALUE.fullmatch(value):
        raise ValueError("the value of a header is one line without control characters")
    return value


ProbeHeader = Annotated[str, AfterValidator(_header)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
_PORT = "name of one of the container's ports; none = the service's port"


class HttpCheck(Model):
    """A GET request; any status from 200 to 399 is healthy."""

    path: HttpPath = Field(description="path of the request")
    port: PortName | None = Field(default=None, description=_PORT)
    headers: dict[ProbeHeader, HeaderValue] = Field(default_factory=dict, description="request headers, such as Host")


class GrpcCheck(Model):
    """A call of the standard health service (grpc.health.v1.Health)."""

    port: PortName | None = Field(default=None, description=_PORT)
    service: Text | None = Field(default=None, description="service name in the request; none = the server as a whole")


class TcpCheck(Model):
    """A TCP connection. It proves that a process listens, not that its model is loaded."""

    port: PortName | None = Field(default=None, description=_PORT)


class Check(Model):
    """One health check: exactly one of http, grpc, tcp and exec."""

    http: HttpCheck | None = Field(default=None, description="GET request; {path: …}")
    grpc: GrpcCheck | None = Field(default=None, description="call of the standard health service; {} = no options")
    tcp: TcpCheck | None = Field(default=None, description="TCP connection; {} = the service's port")
    exec: Command | None = Field(
        default=None, description="command in the container; exit code 0 is healthy", examples=[["healthcheck"]]
    )

    @model_validator(mode="after")
    def _one_handler(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a check has exactly one kind, but {enumerated(given) or 'none'} is set; set one of http, grpc, tcp "
                "and exec"
            )
        return self

    @property
    def port(self) -> str | None:
        """The name of the port that the check connects to; None = the service's port, or no port for a command."""
        asked = self.http or self.grpc or self.tcp
        return asked.port if asked else None

    @property
    def asks_a_port(self) -> bool:
        """Whether the check connects to a port. A command does not."""
        return self.exec is None


def _kind(value: object) -> str:
    return "check" if isinstance(value, dict | Check) else "path"


AnyCheck = Annotated[Annotated[HttpPath, Tag("path")] | Annotated[Check, Tag("check")], Discriminator(_kind)]
"""A path for HTTP at the service's port, or a check of another kind."""


class StartProbe(Model):
    """The startup probe of a container. Its time limit is ``health.startup``."""

    check: AnyCheck | None = Field(default=None, description="none = the readiness check")
    period: Seconds = Field(default=1, ge=1, description="interval between two probes")


def as_check(given: str | Check) -> Check:
    """Return a check in its long form."""
    return given if isinstance(given, Check) else Check(http=HttpCheck(path=given))
