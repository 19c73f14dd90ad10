"""Two checkouts of one stack: one driver at a time, an abort that reaches it, and a successor for a lost one."""

import signal
import time
from statistics import median

import pytest

from delivery.lock.lease import DURATION_SECONDS
from tests.cluster import faulty
from tests.cluster.checkouts import Checkout, checked_out
from tests.cluster.releases.test_times import observed
from tests.cluster.releasing import CANARY, COMMAND_SECONDS, Life
from tests.cluster.stack import Json

pytestmark = pytest.mark.long

BUSY, INTERRUPTED = 6, 130
ABORTS, RACES = 10, 3
ABORT_SECONDS = 5.0
"""Promised median in seconds, from the start of the command in the other checkout to weight 0 for users."""
HELD: Json = CANARY | {"steps": [{"weight": 20, "hold": "5m"}, 100]}
"""A release that stays at its first step for longer than a test takes."""


@pytest.fixture
def second(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return checked_out(life.system, tmp_path_factory.mktemp("second"))


def version(number: int) -> faulty.Fault:
    """Return a good version that no release has used yet."""
    return faulty.good(time.time_ns() % 10**8 * 10 + number)


def test_of_two_checkouts_that_race_one_drives(life: Life, second: Checkout, facts: list[str]) -> None:
    life.system.strategy(CANARY)
    for _ in range(RACES):
        second.take(life.system)
        images = [life.system.image(version(number)) for number in range(2)]
        with (
            life.system.running("release", "--image", images[0]) as first,
            second.running("release", "--image", images[1]) as other,
        ):
            codes = first.process.wait(COMMAND_SECONDS), other.process.wait(COMMAND_SECONDS)
        assert sorted(codes) == [0, BUSY], first.told.read_text()[-2000:] + other.told.read_text()[-2000:]
        assert not life.lost(first)
        winner = life.system if codes[0] == 0 else second.system
        winner.agrees()
        if winner is second.system:
            life.system.file.write_bytes(second.system.file.read_bytes())
    facts.append(f"{RACES} races of two checkouts: one driver each time, 0 lost")


def test_an_abort_from_another_checkout_reaches_the_driver(life: Life, second: Checkout, facts: list[str]) -> None:
    life.system.strategy(HELD)
    aborts: list[float] = []
    for number in range(ABORTS):
        second.take(life.system)  # as it was before the release
        older = second.system.file.read_bytes()
        with life.system.running("release", "--image", life.system.image(version(number))) as running:
            running.wait_for("look", "step 20 %")
            command = second.system.slipway("abort", "--reason", "seen from another laptop")
            assert command.code == 0, command.said
            assert command.document["result"] == "aborted"
            assert running.process.wait(COMMAND_SECONDS) == INTERRUPTED
        aborts.append(observed(life, command, life.system.live(), 100))
        assert second.system.file.read_bytes() == older, "the driver that has the record went back by it"
        assert not life.lost(running)
        life.system.agrees()
    facts.append(f"abort from another checkout: median {median(aborts):.1f} s of {ABORTS} (worst {max(aborts):.1f})")
    assert median(aborts) <= ABORT_SECONDS


def test_a_killed_driver_is_succeeded_when_its_lease_has_expired(
    life: Life, second: Checkout, facts: list[str]
) -> None:
    life.system.strategy(CANARY)
    with life.system.running("release", "--image", life.system.image(version(0))) as running:
        running.wait_for("look", "step 20 %")
        running.process.kill()
        running.process.wait()
    resumed = second.system.slipway("resume")
    assert resumed.code == 0, resumed.said
    assert resumed.seconds > DURATION_SECONDS - 1
    assert not life.lost(running)
    second.system.agrees()
    life.system.file.write_bytes(second.system.file.read_bytes())
    facts.append(f"killed driver: resumed from another checkout, promoted after {resumed.seconds:.0f} s, 0 lost")


def test_a_stopped_driver_is_fenced_off_and_writes_nothing_when_it_continues(
    life: Life, second: Checkout, facts: list[str]
) -> None:
    life.system.strategy(HELD)
    second.take(life.system)
    with life.system.running("release", "--image", life.system.image(version(0))) as running:
        running.wait_for("look", "step 20 %")
        time.sleep(3)  # longer than the update, a separate process that may still run
        running.process.send_signal(signal.SIGSTOP)
        command = second.system.slipway("abort")
        assert command.code == 0, command.said
        before, weights = life.system.file.read_bytes(), life.system.weights()
        running.process.send_signal(signal.SIGCONT)
        assert running.process.wait(COMMAND_SECONDS) == BUSY, running.told.read_text()[-2000:]
    assert (life.system.file.read_bytes(), life.system.weights()) == (before, weights)
    assert not life.lost(running)
    second.system.agrees()
    life.system.file.write_bytes(second.system.file.read_bytes())
    aborted = observed(life, command, life.system.live(), 100)
    facts.append(f"stopped driver: aborted from another checkout after {aborted:.1f} s, and nothing written afterwards")
