"""Where a service is reached from outside."""

from typing import Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.vocabulary import Host, HttpPath


class Route(Model):
    """One public host and path, shared by both slots, and hosts that a canary must never reach."""

    host: Host = Field(examples=["classifier.example.com"])
    path: HttpPath = Field(default="/", examples=["/predict"])
    path_type: Literal["Prefix", "Exact"] = "Prefix"
    stable_hosts: tuple[Host, ...] = Field(
        default=(), description="further hosts that always get the live slot, whatever the canary's weight"
    )

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        hosts = (self.host, *self.stable_hosts)
        if len(set(hosts)) != len(hosts):
            raise ValueError("host and stableHosts must all differ: a host is either split or stable")
        return self
