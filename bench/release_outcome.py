"""Compute what a bad release cost users, from the answers that a load received, and compare two tools."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple


class Answer(NamedTuple):
    """One request and how it ended."""

    sent: float
    """Unix time."""
    done: float
    status: str
    """The HTTP status, or what happened instead."""
    version: str
    """Digest of the image that answered; empty if none did."""

    @property
    def good(self) -> bool:
        """Whether the request succeeded."""
        return self.status.startswith("2")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One bad release, from the command to the last request after it."""

    from_bad: float
    """Seconds from the new version's first bad answer to its last request, when its weight became 0."""
    from_traffic: float
    """Seconds from the new version's first answer of any kind to its last request."""
    failed: int
    """Failed requests, regardless of which version failed them."""
    answered: int
    """Requests that the bad version answered."""
    samples: int
    """The bad version's answers that the gate had counted when it decided."""


def answers(lines: Iterable[str]) -> list[Answer]:
    """Read what `tests.cluster.load` wrote; skip the lines with the sender's own figures."""
    found: list[Answer] = []
    for line in lines:
        if not line.startswith("#"):
            sent, done, status, *columns = line.rstrip("\n").split("\t")
            found.append(Answer(float(sent), float(done), status, columns[1] if len(columns) > 1 else ""))
    return sorted(found)


def counted(every: Sequence[Answer], version: str, since: float, until: float) -> int:
    """Return how many answers of a version a query over this time counts."""
    return sum(answer.version == version and since <= answer.done <= until for answer in every)


def outcome(every: Sequence[Answer], version: str, *, began: float, samples: int) -> Outcome:
    """Sum up a release of a version.

    Args:
        every: All answers of the load, in the order in which they were sent.
        version: The bad version.
        began: Unix time of the command; earlier failures do not count.
        samples: How many of the version's answers the gate had counted when it decided.

    Raises:
        ValueError: if the version gave no bad answer, so that there was no bad release.
    """
    own = [answer for answer in every if answer.version == version and answer.sent >= began]
    bad = [answer for answer in own if not answer.good]
    if not bad:
        raise ValueError(f"{version}: {len(own)} answers, none of them bad: there is nothing to compare")
    last = own[-1].sent
    return Outcome(
        from_bad=max(0.0, last - min(answer.done for answer in bad)),
        from_traffic=max(0.0, last - min(answer.done for answer in own)),
        failed=sum(not answer.good for answer in every if answer.sent >= began),
        answered=len(own),
        samples=samples,
    )


HEADINGS = (
    "tool and settings",
    "s from first bad answer to weight 0",
    "s from first answer to weight 0",
    "failed requests",
    "answered by the bad version",
    "samples when decided",
)


def row(name: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return one line of the table: medians of all rounds."""
    whole = ("failed", "answered", "samples")
    times = [f"{_median(outcomes, figure):.1f}" for figure in ("from_bad", "from_traffic")]
    return (name, *times, *(f"{_median(outcomes, figure):.0f}" for figure in whole))


def ratios(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> str:
    """Return the benchmark's result in one line: our medians divided by theirs."""
    figures: Mapping[str, str] = {"time": "from_bad", "failed requests": "failed"}
    parts = (f"{said} {_median(ours, one) / _median(theirs, one):.2f}" for said, one in figures.items())
    return "ratio " + ", ratio ".join(parts)


def _median(outcomes: Sequence[Outcome], figure: str) -> float:
    return median(float(getattr(one, figure)) for one in outcomes)
