"""Servers outside the system that a stack names, because each environment has its own."""

from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from models.base import Model
from models.vocabulary import Cidr, Port, Text

_PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "postgresql": 5432}
ANYWHERE: tuple[str, ...] = ("0.0.0.0/0", "::/0")


def _server(value: str, schemes: Collection[str] = tuple(_PORTS)) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable = False
    if not usable or any(c.isspace() for c in value):
        forms = " or ".join(f"{scheme}://host[:port]" for scheme in schemes)
        raise ValueError(f"an address has the form {forms}, without a user or password")
    return value


def _url(value: str) -> str:
    return _server(value, ("http", "https"))


Url = Annotated[str, AfterValidator(_url)]
ServerUrl = Annotated[str, AfterValidator(_server)]


class External(Model):
    """An HTTP server outside the namespace, and the addresses at which NetworkPolicies let pods reach it."""

    url: Url = Field(description="address of the server", examples=["https://s3.example.com"])
    networks: tuple[Cidr, ...] = Field(
        default=ANYWHERE,
        min_length=1,
        description="addresses of the server; none = any address, at the URL's port only",
    )
    target_port: Port | None = Field(
        default=None,
        description="the pods' port, if the URL names a Service of the cluster; NetworkPolicies apply to it",
    )

    @property
    def port(self) -> int:
        """The TCP port that NetworkPolicies match."""
        parts = urlsplit(self.url)
        return self.target_port or parts.port or _PORTS[parts.scheme]


class Server(External):
    """A further server of an environment: a managed Redis or PostgreSQL, or another team's HTTP service."""

    url: ServerUrl = Field(description="address of the server", examples=["redis://cache.example.com"])


class ObjectStorage(External):
    """``slipway:objectStorage``: an S3 API. Credentials come from a secret of the entry or from the account's role."""

    region: Text = Field(default="us-east-1", description="region that S3 clients get")
