"""The type of a daemon of the local cluster: its command line, its needs and its health probe."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import addresses

Probe = Callable[[], None]  # raises ProbeError with the reason while the daemon is not healthy


class ProbeError(Exception):
    """A daemon is not healthy; the message says what the probe saw."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A TCP port that a daemon must be able to open."""

    number: int
    address: str = addresses.LOOPBACK


@dataclass(frozen=True, kw_only=True)
class Daemon:
    """One row of the table of daemons; `needs` names daemons that must be healthy before this one starts."""

    name: str
    binary: str
    arguments: tuple[str, ...]
    probe: Probe
    needs: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    files: tuple[Path, ...] = ()  # configuration files; a change restarts the daemon
    resolver: Path | None = None  # mounted over /etc/resolv.conf, for a daemon that resolves the cluster's names
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    expected_seconds: float = 5.0

    def fingerprint(self, binary: Path) -> str:
        """Return a digest of everything that decides how the daemon runs: if it changes, the daemon is out of date."""
        digest = hashlib.sha256()
        command = [str(binary), *self.arguments, *(f"{k}={v}" for k, v in sorted(self.environment.items()))]
        digest.update(json.dumps(command).encode())
        for file in (*self.files, *([self.resolver] if self.resolver else [])):
            digest.update(file.read_bytes())
        return digest.hexdigest()
