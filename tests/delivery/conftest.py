"""What tests of whole releases share."""

import time
from pathlib import Path

import pytest

from delivery.run import stage_update
from tests.delivery.checkouts import Checkouts, checkouts
from tests.delivery.world import World, world

_sleep = time.sleep


def _briefly(_: float) -> None:
    _sleep(0.001)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time between two looks pass at once; the clock itself goes on."""
    monkeypatch.setattr(time, "sleep", _briefly)
    monkeypatch.setattr(stage_update, "_SEEN_SECONDS", 0.2)


@pytest.fixture
def canary(tmp_path: Path) -> World:
    """A stack whose service is released as a canary of two steps."""
    return world(tmp_path)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkouts:
    """Two checkouts of that stack, and a clock by which a Lease soon expires."""
    return checkouts(tmp_path, monkeypatch)
