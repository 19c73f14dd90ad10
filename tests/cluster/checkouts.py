"""A second checkout of a system, as another person or another runner has it."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.cluster.commanded import Started, started
from tests.cluster.releasing import Releasing

_STATE = ".slipway"
_LOCKS = "delivery"
"""Folder in it with the locks of the checkout's own drivers."""


@dataclass(frozen=True)
class Checkout:
    """The system in a second folder: its own stack file and local lock, but the same Pulumi state and cluster."""

    system: Releasing

    def take(self, other: Releasing) -> None:
        """Copy the stack file of another checkout, as `git pull` would."""
        shutil.copyfile(other.file, self.system.file)

    @contextmanager
    def running(self, command: str, *arguments: str) -> Generator[Started]:
        """Start a command in this checkout; kill it at the end if it still runs."""
        told = self.system.copy.folder / "events.jsonl"
        with started(self.system.command(command, *arguments), self.system.copy.stack.env, told) as running:
            yield running


def checked_out(first: Releasing, folder: Path) -> Checkout:
    """Create a second checkout with the first one's current stack file."""
    for path in first.copy.folder.iterdir():
        if path == first.file:
            shutil.copyfile(path, folder / path.name)
        elif path.name == _STATE:
            (folder / _STATE).mkdir()
            for part in path.resolve().iterdir():
                if part.name != _LOCKS:
                    (folder / _STATE / part.name).symlink_to(part)
        else:
            (folder / path.name).symlink_to(path.resolve())
    return Checkout(Releasing(replace(first.copy, folder=folder), first.original))
