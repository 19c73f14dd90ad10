"""Two checkouts of one stack that reach one cluster, in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery.lock import lease
from delivery.lock.lease import Json, Seen
from delivery.run import driver
from tests.delivery.leases import Leases
from tests.delivery.world import World, world

FAST = 200
"""How much faster than the real one the clock goes by which a Lease expires."""


@dataclass
class Checkouts:
    """Two checkouts of the same stack, in folders of their own."""

    ann: World
    bob: World
    leases: Leases

    def share(self) -> None:
        """Let bob, who takes over, meet what ann left in the cluster; until then each counts its own writes."""
        leases, self.bob.cluster = self.bob.cluster.leases, self.ann.cluster
        self.bob.cluster.leases = leases
        self.bob.prometheus, self.bob.engine.cluster = self.ann.prometheus, self.ann.cluster
        self.bob.stack.__dict__.update(cluster=self.ann.cluster, metrics=self.ann.prometheus)

    def seen(self) -> Seen:
        return Seen(self.leases.one)


def checkouts(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fast: int = FAST) -> Checkouts:
    """Two, with a clock by which a Lease soon expires."""
    monkeypatch.setenv("SLIPWAY_USER", "ann")
    real = lease.monotonic
    monkeypatch.setattr(lease, "monotonic", lambda: fast * real())
    found: list[World] = []
    for name in ("ann", "bob"):
        (folder / name).mkdir()
        found.append(world(folder / name))
    ann, bob = found
    bob.cluster.leases = ann.cluster.leases
    return Checkouts(ann, bob, ann.cluster.leases)


def released(given: World) -> driver.Outcome:
    with given.stack.exclusive():
        return given.released()


class Store:
    """Ann's way to the API server, at whose n-th write something happens."""

    def __init__(self, leases: Leases, number: int, then: Callable[[], None]) -> None:
        self._leases, self._left, self._then = leases, number, then
        self.reached = False

    def get(self, path: str) -> Json | None:
        return self._leases.get(path)

    def create(self, path: str, body: Json) -> Json | None:
        self._count()
        return self._leases.create(path, body)

    def replace(self, path: str, body: Json) -> Json | None:
        self._count()
        return self._leases.replace(path, body)

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.reached = True
            self._then()
