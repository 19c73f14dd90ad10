"""The identity of a server: service, slot, version and configuration, as the deployment names them."""

from collections.abc import Mapping
from dataclasses import dataclass

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Labels for every answer, log line and metric of this process, so that traffic can be counted per slot.

    A process outside a cluster has no slot and no digest; it reports `unknown` instead of refusing to start.
    """

    service: str = UNKNOWN
    slot: str = UNKNOWN
    version: str = UNKNOWN
    config: str = UNKNOWN

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Identity":
        """Read the SLIPWAY_* variables of the pod.

        Raises:
            ValueError: a value contains characters that an HTTP header cannot carry.
        """
        return cls(
            service=_header_safe(environment, "SLIPWAY_SERVICE"),
            slot=_header_safe(environment, "SLIPWAY_SLOT"),
            version=_header_safe(environment, "SLIPWAY_VERSION"),
            config=_header_safe(environment, "SLIPWAY_CONFIG_HASH"),
        )

    def served_by(self) -> dict[str, str]:
        """Return the fields that answers carry in their body."""
        return {"service": self.service, "version": self.version, "slot": self.slot, "config": self.config}

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of every answer, in ASGI form."""
        return [
            (b"x-slipway-slot", self.slot.encode()),
            (b"x-slipway-version", self.version.encode()),
            (b"x-slipway-config", self.config.encode()),
        ]


def _header_safe(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name) or UNKNOWN
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name}: {value!r} cannot be sent in a header; use printable ASCII only")
    return value
