"""One round of one server: started anew, its cold start, first request, memory, fixed load and highest rate."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.server.contestants import Contestant
from bench.server.load import Answers, Load
from bench.server.running import running
from bench.server.search import highest

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long things are measured, in seconds."""

    rounds: int
    steps: int
    step_seconds: float
    fixed_seconds: float
    most_seconds: float
    every_configuration: bool = True

    @property
    def minutes(self) -> float:
        """About how long all takes: twelve or four qualify, four are measured; start and first requests take 6 s."""
        one = self.most_seconds + self.steps * self.step_seconds + self.fixed_seconds + 6
        qualifying = 12 if self.every_configuration else 4
        return (qualifying * (2 * self.most_seconds + 4) + 4 * self.rounds * one) / 60


DEFAULT = Plan(rounds=3, steps=5, step_seconds=5, fixed_seconds=8, most_seconds=2)
QUICK = Plan(rounds=1, steps=4, step_seconds=3, fixed_seconds=4, most_seconds=1, every_configuration=False)


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one start of a server showed.

    Attributes:
        cold_start: Seconds from exec to the first 200 of the readiness probe.
        first: The first request's time as a multiple of the median of the next 40.
        idle: MiB after those.
        loaded: MiB at most, in the fixed load and the search.
        p50: Milliseconds at the fixed load.
        p99: Milliseconds at the fixed load.
        good: Share of good answers at the fixed load.
        throughput: Requests/s, the highest rate with a p99 within 50 ms and every answer good.
    """

    cold_start: float
    first: float
    idle: float
    loaded: float
    p50: float
    p99: float
    good: float
    throughput: int


@dataclass(frozen=True)
class Stand:
    """Where a server is put to be measured: environments and model are in `folder`."""

    folder: Path
    load: Load
    plan: Plan

    def qualified(self, contestant: Contestant) -> Answers:
        """What a configuration can do in a closed loop, after as long a time to get warm."""
        with running(contestant, self.folder):
            self.load.most(contestant, self.plan.most_seconds)
            return self.load.most(contestant, self.plan.most_seconds)

    def measured(self, contestant: Contestant, fixed_rate: int, say: Say) -> Round:
        """One round.

        Raises:
            RuntimeError: the server did not start, or did not answer its first requests.
        """
        with running(contestant, self.folder) as server:
            first = server.first_against_median()
            idle = server.mebibytes()
            with server.weighed():
                most = self.load.most(contestant, self.plan.most_seconds).rate
                fixed = self.load.constant(contestant, fixed_rate, self.plan.fixed_seconds)
                throughput = highest(self._held(contestant, say), most, self.plan.steps)
            return Round(
                cold_start=server.cold_start,
                first=first,
                idle=idle,
                loaded=server.peak,
                p50=fixed.p50,
                p99=fixed.p99,
                good=fixed.success,
                throughput=throughput,
            )

    def _held(self, contestant: Contestant, say: Say) -> Callable[[int], bool]:
        def held(rate: int) -> bool:
            found = self.load.constant(contestant, rate, self.plan.step_seconds)
            verdict = "held" if found.held else "not held"
            say(f"{rate}/s: {verdict} (p99 {found.p99:.0f} ms, {found.rate:.0f}/s, {found.success:.1%} good)")
            return found.held

        return held
