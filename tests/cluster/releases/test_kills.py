"""After a kill -9 at any moment, the status is accurate, the release can continue or go back, and no request fails.

`SLIPWAY_KILLS=all` (`make e2e-kills`) tries every moment, which takes half an hour. Otherwise it is the moment that CI
tries, and a few that are drawn, the same ones each time.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from typing import Literal, get_args

import psutil
import pytest
from _pytest.mark import ParameterSet

from tests.cluster import faulty
from tests.cluster.commanded import Started
from tests.cluster.releasing import CANARY, SERVICE, Life
from tests.cluster.stack import Json

Victim = Literal["driver", "engine", "plugin"]
Then = Literal["resume", "abort"]
VICTIMS: tuple[Victim, ...] = get_args(Victim)
UPDATING: tuple[tuple[Victim, Then], ...] = (("engine", "resume"), ("plugin", "abort"))
PROCESSES = {"engine": "pulumi", "plugin": "pulumi-resource-kubernetes"}
FEW = 3
"""Number of moments that a partial run tries, besides the moment of `make e2e-core`."""
SEED = 5
PATIENCE_SECONDS = 400.0


@dataclass(frozen=True)
class Moment:
    """The process to kill, the moment, and the command that follows."""

    victim: Victim
    then: Then
    kind: str = ""
    """Kind of the event at which the process is killed; empty = after ``seconds``."""
    stage: str = ""
    seconds: float = 0.0
    bad: bool = False
    """Whether the version is bad, so that the release goes back by itself."""

    def __str__(self) -> str:
        at = f"{self.kind} {self.stage}" if self.kind else f"{self.seconds:.1f} s"
        return f"{self.victim} at {at}{' of a bad release' if self.bad else ''}, then {self.then}"


def moments() -> list[Moment]:
    """Return every phase boundary for the driver, updates for engine and plugin, and random times for all three."""
    drawn = random.Random(SEED)  # noqa: S311 -- moments, no secrets
    boundaries = [("stage", stage) for stage in ("fill", "step 20 %", "step 50 %", "step 100 %", "promote", "drain")]
    boundaries += [(kind, stage) for kind in ("moved", "look", "verdict") for stage in ("step 20 %", "step 100 %")]
    found = [
        Moment("driver", "resume" if number % 2 else "abort", kind, stage)
        for number, (kind, stage) in enumerate(boundaries)
    ]
    found += [Moment("driver", "resume", kind, stage, bad=True) for kind, stage in _BACK]
    found += [
        Moment(victim, then, "update", stage) for victim, then in UPDATING for stage in ("fill", "step 50 %", "promote")
    ]
    found += [
        Moment(victim, then, seconds=round(drawn.uniform(2, 30), 1)) for victim in VICTIMS for then in get_args(Then)
    ]
    return found


CORE = Moment("driver", "abort", "look", "step 20 %")
"""The moment that CI tries: the driver is killed while both slots get requests."""
_BACK = (("turned", "step 20 %"), ("stage", "close"), ("stage", "empty"))


def chosen() -> list[Moment]:
    """Return the moments of this run."""
    everything = moments()
    assert len(everything) > 20
    assert CORE in everything
    if os.environ.get("SLIPWAY_KILLS") == "all":
        return everything
    return [CORE, *random.Random(SEED).sample([moment for moment in everything if moment != CORE], FEW)]  # noqa: S311 -- as above


def leveled() -> list[ParameterSet]:
    """Return the moments of this run, each with the marker of its level."""
    levels = {True: pytest.mark.core, False: pytest.mark.long}
    return [pytest.param(moment, id=str(moment), marks=levels[moment == CORE]) for moment in chosen()]


def struck(started: Started, moment: Moment) -> bool:
    """Kill the process at its moment; return False if the command ended before that."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and started.process.poll() is None:
        if started.reached(moment.kind, moment.stage, moment.seconds):
            for process in _victims(started.process.pid, moment.victim):
                process.send_signal(signal.SIGKILL)
                return True
        time.sleep(0.01)
    return False


def _victims(driver: int, victim: Victim) -> list[psutil.Process]:
    """Return the processes to kill, only among those that this test started."""
    own = psutil.Process(driver)
    return [own] if victim == "driver" else [p for p in own.children(recursive=True) if _named(p, PROCESSES[victim])]


def _named(process: psutil.Process, name: str) -> bool:
    try:
        return process.name() == name[:15] or process.name() == name
    except psutil.NoSuchProcess:
        return False


def told(life: Life) -> Json:
    """Return the service's part of `slipway status`."""
    status = life.system.slipway("status")
    assert status.code == 0, status.said
    return status.document["services"][SERVICE]


def true(life: Life) -> Json:
    """Return a status that agrees with the API server, read before and after it: an orphaned update may still run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        before, said, after = life.system.weights(), told(life), life.system.weights()
        if before == after:
            assert said["cluster"]["weights"] == after
            return said
        assert time.monotonic() < deadline, "the cluster does not come to rest"


@pytest.mark.parametrize("moment", leveled())
def test_a_kill_loses_nothing(life: Life, moment: Moment, facts: list[str]) -> None:
    life.system.strategy(CANARY)
    version = faulty.FIFTH_FAILS if moment.bad else faulty.good(time.time_ns() % 10**9)
    life.system.forgive(version)
    with life.system.running("release", "--image", life.system.image(version)) as started:
        hit = struck(started, moment)
        started.process.wait(PATIENCE_SECONDS)
    said = true(life)
    if said["run"] is not None:
        assert said["phase"] in ("interrupted", "waiting", "going back", "warm"), said
        carried = life.system.slipway(moment.then)
        assert carried.code in (0, 3), carried.said
        if said["phase"] == "warm" and moment.then == "resume":
            assert carried.code == 0
    assert not life.lost(started, version)
    facts.append(f"kill -9 of the {moment}: {'hit' if hit else 'too late'}, {said['phase']} at {said['stage']}")
    life.system.agrees()
