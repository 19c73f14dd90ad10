"""Times from the start of a command to the split that users see."""

import time
from collections.abc import Iterator
from statistics import median

import pytest

from tests.cluster import faulty, seen
from tests.cluster.commanded import Commanded
from tests.cluster.releasing import BLUE_GREEN, CANARY, COMMAND_SECONDS, HASTY, WAITS, Life

ROLLING_OUT_SECONDS = 3.0
STEP_SECONDS, ABORT_SECONDS, BACK_SECONDS = 5, 3, 3
"""Promised medians in seconds."""
INTERRUPTED = 130
STEPS = (20, 50)
REPEATED = 3


def observed(life: Life, command: Commanded, slot: str, percent: int) -> float:
    """Return the seconds from the start of a command until this slot answers the given percentage of requests."""
    end = seen.settled(life.since(command), slot, percent)
    assert end is not None, f"{percent} % was never seen: {list(seen.shares(life.since(command), slot))}"
    return end - command.began


def stepped(life: Life, version: faulty.Fault) -> Iterator[float]:
    """Carry out a manual release step by step; yield the seconds until users saw each step."""
    began = life.system.release(version, "--manual")
    assert began.code == WAITS, began.said
    (other,) = {"blue", "green"} - {life.system.live()}
    for percent in STEPS:
        command = life.system.slipway("step")
        assert command.code == WAITS, command.said
        assert not life.lost(command)
        yield observed(life, command, other, percent)


@pytest.mark.long
def test_a_step_and_an_abort_are_seen_at_once(life: Life, facts: list[str]) -> None:
    life.system.strategy(CANARY)
    steps: list[float] = []
    aborts: list[float] = []
    for _ in range(REPEATED):
        steps += stepped(life, faulty.good(20))
        command = life.system.slipway("abort")
        assert command.code == 0, command.said
        aborts.append(observed(life, command, life.system.live(), 100))
        assert not life.lost(command)
        life.system.agrees()
    facts.append(f"step to split: {_figures(steps)}; abort to weight 0: {_figures(aborts)}")
    assert median(steps) <= STEP_SECONDS
    assert median(aborts) <= ABORT_SECONDS


@pytest.mark.long
def test_an_abort_does_not_wait_for_the_update_of_a_release_that_runs(life: Life, facts: list[str]) -> None:
    life.system.strategy(CANARY)
    aborts: list[float] = []
    for number in range(REPEATED):
        version = faulty.good(50 + number)
        with life.system.running("release", "--image", life.system.image(version)) as running:
            running.wait_for("update", "step 20 %")
            command = life.system.slipway("abort")
            assert command.code == 0, command.said
            assert running.process.wait(COMMAND_SECONDS) == INTERRUPTED
        aborts.append(observed(life, command, life.system.live(), 100))
        assert not life.lost(running)
        life.system.agrees()
    facts.append(f"abort during an update to weight 0: {_figures(aborts)}")
    assert median(aborts) <= ABORT_SECONDS


@pytest.mark.long
def test_an_abort_ends_a_slot_that_is_still_being_filled(life: Life, facts: list[str]) -> None:
    """Aborts while pods are not ready, and would not be for the rest of the rollout's time."""
    life.system.strategy(CANARY, rollout=HASTY)
    life.system.forgive(faulty.NEVER_READY)  # another test may have caused a hold
    with life.system.running("release", "--image", life.system.image(faulty.NEVER_READY)) as running:
        running.wait_for("update", "fill")
        time.sleep(ROLLING_OUT_SECONDS)
        command = life.system.slipway("abort")
        assert command.code == 0, command.said
        assert running.process.wait(COMMAND_SECONDS) == INTERRUPTED
    assert not life.lost(running)
    life.system.agrees()
    facts.append(f"abort of a fill that would wait for its pods: gone after {command.seconds:.1f} s")


@pytest.fixture
def long_warm(life: Life) -> Life:
    """Blue-green with an old slot that is kept long enough for a person to notice a fault."""
    life.system.strategy(BLUE_GREEN | {"warm": "10m"})
    return life


@pytest.mark.long
def test_switching_back_after_a_promotion_takes_no_new_pods(long_warm: Life, facts: list[str]) -> None:
    life, system = long_warm, long_warm.system
    seconds: list[float] = []
    for number in range(2):
        before = system.live()
        promoted = system.release(faulty.good(30 + number))
        assert promoted.code == 0, promoted.said
        assert system.live() != before
        back = system.slipway("rollback")
        assert back.code == 0, back.said
        assert back.document["result"] == "rolled back"
        seconds.append(observed(life, back, before, 100))
        assert not life.lost(promoted)
        assert "held" in system.refused("--image", system.image(faulty.good(30 + number)))
        system.agrees()
    facts.append(f"blue-green switch-back: {_figures(seconds)}")
    assert max(seconds) <= BACK_SECONDS


def _figures(seconds: list[float]) -> str:
    return f"median {median(seconds):.1f} s of {len(seconds)} (worst {max(seconds):.1f})"
