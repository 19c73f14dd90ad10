"""An Ingress or HTTPRoute that routes hosts to a service's slots, as both traffic drivers describe it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models.long_answers import PROXY_SECONDS
from models.routing import Route
from models.vocabulary import SlotName

_MARGIN = 5
"""Seconds by which the proxy waits longer than the server, so that the server's own end of an answer comes first."""

Role = Literal["main", "stable", "canary"]


@dataclass(frozen=True, kw_only=True)
class RouteObject:
    """One Ingress or HTTPRoute."""

    role: Role
    """main: the split host; stable: hosts that are never split; canary: the other slot's share, if it has its own."""
    name: str
    slots: tuple[SlotName, ...]
    """Slots that get requests through the object. All of them must be ready before it is written."""
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    spec: Any
    """The spec of the driver's kind."""


def answer_limit(route: Route, longest: int) -> int | None:
    """Return after how many seconds the proxy gives up an answer; None = after its own limit.

    Args:
        route: The route, whose own limit counts.
        longest: The longest time that an answer of either slot may take, in seconds.
    """
    if route.timeout is not None or longest < PROXY_SECONDS:
        return route.timeout
    return longest + _MARGIN
