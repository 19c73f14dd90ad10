"""Bad releases: few users see them, soon none, and only the record remains."""

import pytest

from tests.cluster import faulty, seen
from tests.cluster.commanded import Commanded
from tests.cluster.faulty import Fault
from tests.cluster.releasing import (
    BLUE_GREEN,
    CANARY,
    HASTY,
    INCONCLUSIVE,
    NOT_A_SECOND_LONGER,
    ROLLED_BACK,
    SERVICE,
    SLOW_SECONDS,
    Life,
)
from tests.cluster.stack import Json

NOBODY = "http://127.0.0.1:9"
"""The discard port, on which nothing answers."""


def left(life: Life, command: Commanded, bad: Fault) -> None:
    """Assert that the version gets no requests, that nothing else made requests fail, and that all sources agree."""
    end = command.began + command.seconds
    last = life.load.wait_for(lambda _: True, end)
    after = [answer for answer in life.load.since(last.sent) if answer.version == life.system.version(bad)]
    assert not after
    assert not life.lost(command, bad)
    life.system.agrees()


@pytest.mark.parametrize(
    ("bad", "strategy"),
    [
        pytest.param(faulty.FIFTH_FAILS, CANARY, id="20 % errors, canary", marks=pytest.mark.core),
        pytest.param(faulty.SLOW, CANARY, id="+300 ms, canary", marks=pytest.mark.long),
        pytest.param(faulty.FIFTH_FAILS_TOO, BLUE_GREEN, id="20 % errors, blue-green", marks=pytest.mark.long),
    ],
)
def test_a_version_that_answers_badly_is_gone_before_many_have_met_it(
    life: Life, bad: Fault, strategy: Json, facts: list[str], request: pytest.FixtureRequest
) -> None:
    life.system.strategy(strategy)
    command = life.system.release(bad)
    assert command.code == ROLLED_BACK, command.said
    left(life, command, bad)
    met = seen.exposure(life.since(command), life.system.version(bad), SLOW_SECONDS)
    facts.append(f"{request.node.callspec.id}: {met}; command {command.seconds:.0f} s")
    assert met.errors + met.slow > 0
    assert met.requests < len(life.since(command)) / 2


@pytest.mark.long
@pytest.mark.parametrize("bad", [faulty.CRASHES, faulty.NEVER_READY], ids=["crash loop", "never ready"])
def test_a_version_that_does_not_start_meets_nobody(life: Life, bad: Fault, facts: list[str]) -> None:
    life.system.strategy(CANARY, rollout=HASTY)
    command = life.system.release(bad)
    assert command.code == ROLLED_BACK, command.said
    assert f"pod {SERVICE}-" in command.document["reason"]
    left(life, command, bad)
    assert seen.exposure(life.since(command), life.system.version(bad)).requests == 0
    name = "crash loop" if bad.exits else "never ready"
    facts.append(f"{name}: {len(life.since(command))} requests, 0 lost, gone after {command.seconds:.0f} s")


@pytest.mark.long
def test_settings_that_nobody_can_have_are_refused_and_those_that_the_server_refuses_meet_nobody(
    life: Life, facts: list[str]
) -> None:
    life.system.strategy(CANARY, rollout=HASTY)
    assert "topK" in life.system.refused("--server", "topK=2000")
    command = life.system.slipway("release", "--server", "variant=int8")
    assert command.code == ROLLED_BACK, command.said
    assert "int8" in command.document["reason"], "the server's own reason"
    assert not life.lost(command)
    assert len({answer.config for answer in life.since(command)}) == 1
    life.system.agrees()
    facts.append(f"bad settings: {len(life.since(command))} requests, 0 lost, gone after {command.seconds:.0f} s")


@pytest.mark.long
@pytest.mark.ordered
def test_what_was_rolled_back_is_held_until_somebody_releases_the_hold(life: Life) -> None:
    bad = faulty.CRASHES
    life.system.strategy(CANARY, rollout=HASTY)
    assert "held" in life.system.refused("--image", life.system.image(bad))
    released = life.system.slipway("release-hold", life.system.image(bad))
    assert released.code == 0, released.said
    again = life.system.release(bad)
    assert again.code == ROLLED_BACK, again.said
    left(life, again, bad)


@pytest.mark.long
def test_a_dead_metrics_source_blames_nobody_and_the_same_version_is_released_when_it_is_back(
    life: Life, facts: list[str]
) -> None:
    version = faulty.good(10)
    life.system.strategy(NOT_A_SECOND_LONGER)
    life.system.declare(metricsUrl=NOBODY)
    blind = life.system.release(version)
    life.system.declare(metricsUrl=None)
    assert blind.code == INCONCLUSIVE, blind.said
    assert "metrics source" in blind.document["reason"]
    left(life, blind, version)
    life.system.strategy(CANARY)
    again = life.system.release(version)
    assert again.code == 0, again.said
    assert not life.lost(blind)
    facts.append(f"dead metrics: inconclusive after {blind.seconds:.0f} s; then promoted after {again.seconds:.0f} s")


@pytest.mark.long
def test_no_traffic_is_no_verdict(life: Life) -> None:
    version = faulty.good(11)
    life.system.strategy(NOT_A_SECOND_LONGER)
    with life.load.paused():
        starved = life.system.release(version)
    assert starved.code == INCONCLUSIVE, starved.said
    left(life, starved, version)
