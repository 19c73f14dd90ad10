"""Releases by the real driver in seconds that pass at once: users at random, drivers that are killed, and who resumes.

The clock goes by whole seconds and only when somebody sleeps or an update runs. What users got in a second depends on
the seed, the second and who answered then: whoever asks about it again gets the same number.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from bench.simulated import drawn
from delivery.release import records
from delivery.release.service import Service
from delivery.run import driver, stage_judge, stage_update
from delivery.stack_file.stack_file import DELIVERY, RELEASE
from models.delivery import ServiceDelivery
from models.release import ServiceRelease
from tests.delivery.users import Killed, Prometheus
from tests.delivery.world import SERVICE, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp()
UPDATE_SECONDS = 3
DEADLINE = 600
LIVE = 0.01
"""Share of errors of the version that is live; the margin is 1 point."""


@dataclass
class Clock:
    """Time, and who does not live to see it."""

    at: float = NOON
    killed: list[float] = field(default_factory=list[float])
    """When the driver is killed, by whatever it does next."""

    def time(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += max(1.0, seconds // 1)
        self.check()

    def check(self) -> None:
        if self.killed and self.at >= self.killed[0]:
            self.killed.pop(0)
            raise Killed


@dataclass
class Drawn(Prometheus):
    """Users at random: what they got in each second is drawn once."""

    clock: Clock = field(default_factory=Clock)
    seed: str = ""
    _summed: dict[str, list[tuple[int, int]]] = field(default_factory=dict[str, list[tuple[int, int]]])
    """By slot, for each second since noon what was answered before it."""

    def now(self) -> float:
        return self.clock.at

    def told(self, runs: Mapping[str, Any], shares: Mapping[str, float]) -> None:
        self._upto(self.now())
        super().told(runs, shares)

    def answered(self, slot: str, since: float, until: float) -> tuple[int, int]:
        began, ended = (max(0, round(at - NOON)) for at in (since, until))
        self._upto(NOON + ended)
        summed = self._summed.get(slot, [(0, 0)])
        first, last = summed[min(began, len(summed) - 1)], summed[min(ended, len(summed) - 1)]
        total, bad = max(last[0] - first[0], 0), max(last[1] - first[1], 0)
        for second in range(round(since - NOON), min(0, round(until - NOON))):  # before noon
            more = self._second(second).get(slot, (0, 0))
            total, bad = total + more[0], bad + more[1]
        return total, bad

    def _upto(self, at: float) -> None:
        done = max((len(summed) - 1 for summed in self._summed.values()), default=0)
        for second in range(done, round(min(at, self.now()) - NOON)):
            found = self._second(second)
            for slot in ("blue", "green"):
                summed = self._summed.setdefault(slot, [(0, 0)])
                more = found.get(slot, (0, 0))
                summed.append((summed[-1][0] + more[0], summed[-1][1] + more[1]))

    def _second(self, second: int) -> dict[str, tuple[int, int]]:
        random = Random(f"{self.seed} {second}")  # noqa: S311 -- a simulation
        requests = max(0, round(random.gauss(self.traffic, self.traffic**0.5)))
        split = next((one for one in reversed(self.splits) if one.at <= NOON + second), None)
        if split is None:
            return {}
        other = next((slot for slot, share in split.shares.items() if 0 < share < 1 and slot != "blue"), None)
        parts = {slot: requests for slot, share in split.shares.items() if share == 1}
        if other is not None:
            new = drawn(random, requests, split.shares[other])
            parts = {other: new, **{slot: requests - new for slot in split.shares if slot != other}}
        return {
            slot: (part, drawn(random, part, self.share(split.runs[slot], NOON + second)))
            for slot, part in parts.items()
        }


@dataclass
class MemoryFile:
    """A stack file that is never parsed again: reading and writing YAML would take most of the time."""

    data: dict[str, Any]
    path: Any = None
    written: int = 0
    _tree: object = field(default_factory=object)

    def __post_init__(self) -> None:
        self.path = SimpleNamespace(read_bytes=lambda: str(self.written).encode(), name="Pulumi.prod.yaml")

    def tree(self) -> Any:
        return self._tree

    def values(self) -> dict[str, Any]:
        return self.data

    def needs_pulumi(self) -> bool:
        return False

    def text_keys(self) -> list[str]:
        return []

    def watched(self, service: str) -> AbstractContextManager[None]:
        del service
        return nullcontext()

    def write(self, service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
        self.written += 1
        self._tree = object()
        for key, model in ((RELEASE, release), (DELIVERY, delivery)):
            kept = self.data.setdefault(key.removeprefix("slipway:"), {})
            kept[service] = model.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What happens to a release's driver."""

    name: str
    killed: Callable[[Random], list[float]] = lambda _: []
    """Seconds after the beginning at which the driver is killed."""
    away: Callable[[Random], float] = lambda _: 0.0
    """Seconds until somebody resumes."""


def _thrice(random: Random) -> list[float]:
    return sorted(random.uniform(1, 120) for _ in range(3))


NONE = Trouble(name="never killed")
TROUBLES = (
    Trouble(name="once, resumed at once", killed=lambda random: [random.uniform(1, 60)]),
    Trouble(
        name="once, resumed after the deadline",
        killed=lambda random: [random.uniform(1, 60)],
        away=lambda random: random.uniform(DEADLINE, 7200),
    ),
    Trouble(name="three times", killed=_thrice, away=lambda random: random.uniform(0, 30)),
    Trouble(name="every ten seconds", killed=lambda _: [10.0 * i for i in range(1, 60)]),
)


@contextmanager
def clocked(clock: Clock) -> Generator[None]:
    """Let driver and gate live in this time."""
    times = SimpleNamespace(time=clock.time, sleep=clock.sleep, monotonic=clock.time)
    with pytest.MonkeyPatch.context() as patch:
        for module in (stage_judge, stage_update):
            patch.setattr(module, "time", times)
        patch.setattr(driver, "now", lambda: datetime.fromtimestamp(clock.at, UTC))
        yield


class Simulation:
    """One stack whose releases are simulated, one after another from the same beginning."""

    def __init__(self, folder: Path, strategy: Config) -> None:
        self._folder, self._strategy = folder, strategy
        self._given = world(folder, strategy)
        self._file = self._given.stack.file.values()

    def release(self, *, bad: float, traffic: float, seed: str, trouble: Trouble = NONE) -> str:
        """Return how a release ends whose version answers so many requests with an error."""
        clock, random = Clock(), Random(f"{seed} trouble")  # noqa: S311 -- a simulation
        given = self._anew(clock, seed)
        given.prometheus.traffic, given.prometheus.shares = traffic, {IMAGE: LIVE, OTHER_IMAGE: bad}
        clock.killed = [NOON + seconds for seconds in trouble.killed(random)]
        with clocked(clock):
            given.begin()
            while given.service.record().run is not None:
                with suppress(Killed):
                    outcome = given.go()
                    if outcome.result == "waiting":
                        records.approve(given.service, reason="fine", by="me", now=driver.now())
                        clock.at += round(random.uniform(0, 7200))
                    continue
                clock.at += round(trouble.away(random))
        return given.service.record().history[-1].outcome

    def _anew(self, clock: Clock, seed: str) -> World:
        given = self._given
        stack, users = given.stack, Drawn(clock=clock, seed=seed, opened=NOON)
        stack.__dict__["file"] = MemoryFile(deepcopy(self._file))
        stack.__dict__.pop("configuration", None)
        stack._read = None  # pyright: ignore[reportPrivateUsage]
        stack.__dict__["metrics"] = given.cluster.users = given.prometheus = users
        users.released = lambda: None
        given.engine.during = lambda _: clock.sleep(UPDATE_SECONDS)
        given.engine.declared.clear()
        given.cluster.brought(Service(stack, SERVICE).release(), IMAGE)
        return given
