"""The objects that both traffic drivers create to route hosts to a service's slots."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models.vocabulary import SlotName

Role = Literal["main", "stable", "canary"]


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """One Ingress or HTTPRoute."""

    role: Role
    """main: the split host; stable: hosts that are never split; canary: the other slot's share, if it has its own."""
    name: str
    slots: tuple[SlotName, ...]
    """Slots that get requests through the object. All of them must be ready before it is written."""
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    spec: Any
    """The spec of the driver's kind."""
