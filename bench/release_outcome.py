"""What a bad release did to users, from the answers that a load got, and how two tools compare in it."""

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
    """Digest of the image that answered; empty where nobody did."""

    @property
    def good(self) -> bool:
        """Whether the user got what was asked for."""
        return self.status.startswith("2")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One bad release, from the command to the last request after it."""

    from_bad: float
    """Seconds from the first bad answer of the new version to the last request that it got: then its weight was 0."""
    from_traffic: float
    """Seconds from its first answer of any kind to that request."""
    failed: int
    """Requests that failed, whoever failed them."""
    answered: int
    """Requests that the bad version answered."""
    samples: int
    """Of these, those that the gate had counted when it decided."""


def answers(lines: Iterable[str]) -> list[Answer]:
    """Read what `tests.cluster.load` wrote; the sender's own figures are no answer."""
    found: list[Answer] = []
    for line in lines:
        if not line.startswith("#"):
            sent, done, status, *columns = line.rstrip("\n").split("\t")
            found.append(Answer(float(sent), float(done), status, columns[1] if len(columns) > 1 else ""))
    return sorted(found)


def counted(every: Sequence[Answer], version: str, since: float, until: float) -> int:
    """How many answers of a version a query over this time counts."""
    return sum(answer.version == version and since <= answer.done <= until for answer in every)


def outcome(every: Sequence[Answer], version: str, *, began: float, samples: int) -> Outcome:
    """Sum up a release of a version.

    Args:
        every: All answers of the load, in the order in which they were sent.
        version: The bad one.
        began: Unix time of the command; what failed before is not the release's.
        samples: How many of its answers the gate had when it decided.

    Raises:
        ValueError: if the version answered nothing, or nothing badly: then there was no bad release.
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
    """One line of the table: medians of all rounds."""
    whole = ("failed", "answered", "samples")
    times = [f"{_median(outcomes, figure):.1f}" for figure in ("from_bad", "from_traffic")]
    return (name, *times, *(f"{_median(outcomes, figure):.0f}" for figure in whole))


def ratios(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> str:
    """What the benchmark is about, in one line: ours as a part of theirs."""
    figures: Mapping[str, str] = {"time": "from_bad", "failed requests": "failed"}
    parts = (f"{said} {_median(ours, one) / _median(theirs, one):.2f}" for said, one in figures.items())
    return "ratio " + ", ratio ".join(parts)


def _median(outcomes: Sequence[Outcome], figure: str) -> float:
    return median(float(getattr(one, figure)) for one in outcomes)
