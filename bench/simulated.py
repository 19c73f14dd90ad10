"""Simulate releases: random requests pass through the steps of a canary, and the gate judges them every second.

Nothing is shortened: the same ``judge`` runs every second of every step until the deadline, for errors, for slow
answers and, where a kind has it, for late first tokens. The counts restart at each step.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import log1p
from random import Random
from statistics import median

from delivery.judge.verdicts import judge
from models.delivery import Arm, Result

STEPS = (10, 50, 100)
DEADLINE = 600
"""Seconds at one step: the gate's default."""
MARGINS = {"errors": 1.0, "slow": 5.0, "late": 5.0}
"""Percentage points for each criterion: the gate's defaults."""
CRITERIA, STREAMED = ("errors", "slow"), ("errors", "slow", "late")
"""The criteria of an ordinary service, and those of one that streams: ``late`` judges the time to the first token."""


@dataclass(frozen=True)
class Shares:
    """The shares of a slot's answers that have an error, that are slow, and whose first token is late."""

    errors: float = 0.01
    slow: float = 0.02
    late: float = 0.02


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is released, and its traffic."""

    name: str
    candidate: Shares
    right: str
    """How such a release should end."""
    traffic: tuple[float, float] = (200, 200)
    """Requests per second: each release draws its own rate from this range."""
    criteria: tuple[str, ...] = CRITERIA
    live: Shares = Shares()


STREAMS = Shares(errors=0.002)
"""The live version of a language model."""
LATE_AT_TWICE = 0.37
"""Share of late first tokens if each takes twice as long: their times are log-normal (sigma 0.4), and 2 % were late."""
FEW = (20, 60)
"""Requests per second of a language model."""
KINDS = (
    Kind(name="good", candidate=Shares(), right="promoted"),
    Kind(name="2 % errors", candidate=Shares(errors=0.02), right="rolled back"),
    Kind(name="7 % slow", candidate=Shares(slow=0.07), right="rolled back"),
    Kind(name="starved", candidate=Shares(), right="inconclusive", traffic=(0, 10)),
    Kind(name="20 % errors", candidate=Shares(errors=0.2), right="rolled back"),
    *(
        Kind(name=name, candidate=candidate, right=right, traffic=FEW, criteria=STREAMED, live=STREAMS)
        for name, candidate, right in (
            ("good, streamed", STREAMS, "promoted"),
            ("7 % late", replace(STREAMS, late=0.07), "rolled back"),
            ("twice to the first token", replace(STREAMS, late=LATE_AT_TWICE), "rolled back"),
        )
    ),
)


@dataclass
class Window:
    """One slot's answers since a step began."""

    criteria: tuple[str, ...]
    total: int = 0
    bad: Counter[str] = field(default_factory=Counter[str])
    """Bad answers by criterion."""

    def answer(self, requests: int, shares: Shares, random: Random) -> None:
        """Answer this many more requests."""
        self.total += requests
        for name in self.criteria:
            self.bad[name] += drawn(random, requests, getattr(shares, name))

    def add(self, other: "Window") -> None:
        """Add the counts of another window."""
        self.total += other.total
        self.bad += other.bad

    def arm(self, name: str) -> Arm:
        """Return what the gate judges for a criterion."""
        return Arm(bad=self.bad[name], total=self.total)


@dataclass(frozen=True)
class Ending:
    """How a release ended, and what it took."""

    outcome: str
    seconds: int
    candidate: int
    """Requests that the new slot answered."""
    errors: int
    """Requests that the new slot answered with an error."""


def drawn(random: Random, of: int, share: float) -> int:
    """Draw a binomial number from the gaps between hits, with one random draw per hit."""
    if share >= 1:
        return of
    hits, miss, at = 0, log1p(-share), 0
    while (at := at + int(log1p(-random.random()) / miss) + 1) <= of:
        hits += 1
    return hits


def release(kind: Kind, random: Random) -> Ending:
    """Simulate one release through the steps."""
    traffic = random.uniform(*kind.traffic)
    before, seconds, asked, errors = Window(kind.criteria), 0, 0, 0
    for weight in STEPS:
        live, new = Window(kind.criteria), Window(kind.criteria)
        if weight == STEPS[-1]:  # the live slot gets no requests any more: its arm is that of the steps before
            live.add(before)
        result: Result | None = None
        for second in range(1, DEADLINE + 1):
            seconds += 1
            requests = max(0, round(random.gauss(traffic, traffic**0.5)))
            share = drawn(random, requests, weight / 100)
            new.answer(share, kind.candidate, random)
            live.answer(requests - share, kind.live, random)
            result = looked(new, live, final=second == DEADLINE)
            if result:
                break
        before.add(live)
        asked, errors = asked + new.total, errors + new.bad["errors"]
        if result != "pass":
            return Ending("rolled back" if result == "fail" else "inconclusive", seconds, asked, errors)
    return Ending("promoted", seconds, asked, errors)


def looked(new: Window, live: Window, *, final: bool) -> Result | None:
    """Judge all criteria: one that fails is enough to fail, and all must pass."""
    results = {judge(new.arm(name), live.arm(name), MARGINS[name], final=final) for name in new.criteria}
    if "fail" in results:
        return "fail"
    if results == {"pass"}:
        return "pass"
    return "inconclusive" if final else None


@dataclass(frozen=True)
class Tally:
    """All releases of one kind."""

    kind: Kind
    endings: tuple[Ending, ...]

    @property
    def outcomes(self) -> Counter[str]:
        """The number of releases per outcome."""
        return Counter(ending.outcome for ending in self.endings)

    @property
    def seconds(self) -> float:
        """Median time until the end, in seconds."""
        return median(ending.seconds for ending in self.endings)

    @property
    def candidate(self) -> float:
        """Median number of requests that the new slot answered."""
        return median(ending.candidate for ending in self.endings)

    @property
    def errors(self) -> float:
        """Median number of errors that users saw from the new slot."""
        return median(ending.errors for ending in self.endings)

    @property
    def line(self) -> tuple[str, ...]:
        """One row of a table, without the heading."""
        ended = (str(self.outcomes[outcome]) for outcome in ("promoted", "rolled back", "inconclusive"))
        return (self.kind.name, *ended, f"{self.seconds:.0f}", f"{self.candidate:.0f}", f"{self.errors:.0f}")


HEADINGS = ("release", "promoted", "rolled back", "inconclusive", "median s", "requests of the new slot", "errors seen")


def tallies(releases: int, seed: int, kinds: Iterable[Kind] = KINDS) -> tuple[Tally, ...]:
    """Simulate a number of releases of each kind; a seed always gives the same ones."""
    found: list[Tally] = []
    for kind in kinds:
        random = Random(f"{seed} {kind.name}")  # noqa: S311 -- a simulation, no secret
        found.append(Tally(kind, tuple(release(kind, random) for _ in range(releases))))
    return tuple(found)
