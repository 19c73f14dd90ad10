"""Users of a service, and what a metrics source counts of their requests: by time, slot and version.

The fake counts by rules of its own and not by the driver's: requests come all the time, also before a release and while
no driver runs; the proxy splits them as it was told last; a slot answers with what really runs in it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from components.manifests.selectors import Selector
from delivery.errors import MetricsUnavailable
from delivery.metrics.prometheus import Tally
from delivery.metrics.sources import Target
from models.delivery import Arm

EXPORTED = ("http_requests_total", "http_request_duration_seconds_bucket", "process_cpu_seconds_total")
BOUNDS = ("0.1", "0.3", "0.5", "1.0", "+Inf")
PLENTY = 1_000_000.0
"""Requests per second: any verdict takes a few milliseconds."""
ALWAYS = float("-inf")


class Killed(BaseException):
    """The driver is gone, in the middle of whatever it did."""


class Version(NamedTuple):
    """What a slot runs."""

    image: str
    config: str


@dataclass(frozen=True)
class Split:
    """Who answers since a time, and which part of the requests."""

    at: float
    runs: Mapping[str, Version]
    """By slot."""
    shares: Mapping[str, float]
    """By slot; in all 1, or nothing where nobody answers."""


@dataclass
class Prometheus:
    """A metrics source that knows every request."""

    released: Callable[[], Version | None] = lambda: None
    """The version that is being released."""
    traffic: float = PLENTY
    """Requests per second of all users together."""
    earlier: float | None = None
    """The same before ``opened``; None = always as many."""
    opened: float = field(default_factory=time.time)
    bad: float = 0.0
    """Share of errors in the answers of the version that is being released, or was deployed last."""
    shares: dict[str, float] = field(default_factory=dict[str, float])
    """By image, where another version's answers are not all good."""
    exported: set[str] = field(default_factory=lambda: set(EXPORTED))
    """The metrics that each slot's pods and the proxy have series of."""
    bounds: tuple[str, ...] = BOUNDS
    """Of every histogram, as Prometheus writes them."""
    name: str = "Prometheus"
    remembers: bool = True
    deaf: bool = False
    """Whether it does not answer what it has."""
    silent: int = 0
    """Questions that are not answered before one is again."""
    asked: int = 0
    killed_at: int | None = None
    """The number of the question at which the driver is killed."""
    splits: list[Split] = field(default_factory=list[Split])
    turns: list[tuple[float, str, float]] = field(default_factory=list[tuple[float, str, float]])

    def told(self, runs: Mapping[str, Version], shares: Mapping[str, float]) -> None:
        """Let slots run and answer so from now on; the first time, since ever."""
        at = self.now() if self.splits else ALWAYS
        self.splits.append(Split(at, dict(runs), dict(shares)))

    def turns_bad(self, image: str, share: float) -> None:
        """Let an image answer so from now on."""
        self.turns.append((self.now(), image, share))

    def aged(self, seconds: float) -> None:
        """Let all that happened be so long ago."""
        self.splits = [replace(split, at=split.at - seconds) for split in self.splits]

    def now(self) -> float:
        return time.time()

    @property
    def newest(self) -> Version | None:
        """The version that ``bad`` is said of."""
        seen = list(dict.fromkeys(version for split in self.splits for version in split.runs.values()))
        return self.released() or (seen[-1] if seen else None)

    def counts(
        self, target: Target, since: float, within: Mapping[str, int], until: float | None = None
    ) -> Mapping[str, Tally]:
        """Count as the real one does; an answer in error is a slow one too."""
        self._answer()
        end = self.now() if until is None else until
        found = {role: self.answered(slot, since, end) for role, slot in target.slots.items()}
        return {
            role: Tally(total=total, errors=bad, times={name: Arm(bad=bad, total=total) for name in within})
            for role, (total, bad) in found.items()
        }

    def recent(self, target: Target, since: float, seconds: float) -> Mapping[str, int]:
        self._answer()
        now = self.now()
        began = max(since, now - seconds)
        return {role: self.answered(slot, began, now)[0] for role, slot in target.slots.items()}

    def watching(self, *_: object) -> AbstractContextManager[None]:
        return nullcontext()

    def forbidden(self) -> str:
        return ""

    def value(self, query: str) -> float | None:
        raise AssertionError(query)

    def labels(self, selectors: Sequence[Selector], label: str) -> set[str]:
        """Not counted as a question: nothing is judged by the answer."""
        query = " or ".join(map(str, selectors))
        if self.deaf:
            raise MetricsUnavailable("http://none:9090 does not answer: timed out")
        if label == "le":
            return set(self.bounds)
        return {name for name in self.exported if name in query or query.startswith("{namespace=")}

    def answered(self, slot: str, since: float, until: float) -> tuple[int, int]:
        """Return all requests that a slot answered within a time, and how many of them with an error."""
        total = bad = 0.0
        for began, ended, share, version in self._pieces(slot, since, until):
            rate = self.traffic if self.earlier is None or began >= self.opened else self.earlier
            requests = rate * share * (ended - began)
            total += requests
            bad += requests * self.share(version, began)
        return round(total), round(bad)

    def share(self, version: Version, at: float) -> float:
        """Return the share of errors in a version's answers at a time."""
        turned = [share for when, image, share in self.turns if image == version.image and when <= at]
        if turned:
            return turned[-1]
        return self.shares.get(version.image, self.bad if version == self.newest else 0.0)

    def _pieces(self, slot: str, since: float, until: float) -> Iterator[tuple[float, float, float, Version]]:
        """Cut a time where anything changed."""
        cuts = sorted({self.opened, *(split.at for split in self.splits), *(when for when, _, _ in self.turns)})
        edges = [since, *(at for at in cuts if since < at < until), until]
        for began, ended in pairwise(edges):
            split = next((one for one in reversed(self.splits) if one.at <= began), None)
            if began < ended and split is not None and slot in split.runs:
                yield began, ended, split.shares.get(slot, 0.0), split.runs[slot]

    def _answer(self) -> None:
        self.asked += 1
        if self.killed_at == self.asked:
            self.killed_at = None
            raise Killed
        if self.silent > 0:
            self.silent -= 1
            raise MetricsUnavailable("http://none:9090 does not answer: timed out")
