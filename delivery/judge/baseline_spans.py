"""The time before a release: when what is live answered alone, as the record of releases has it.

A release that leaves no live slot beside the new one (rolling, blue-green) is compared with an earlier time. That
time is read from the record and not from the clock, so whoever resumes the release compares with the same. Kayenta too
fixes the start of its windows and lets them grow; it compares with a baseline of the same time, which takes both
versions side by side. Flagger and Argo Rollouts compare with a threshold instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.delivery import Past

LENGTHS = (60.0, 600.0, 3600.0)
"""Seconds that are looked at, the least first: as new as possible, and more where few requests came."""
AMPLE = 5
"""Times the minimum sample that end the search for more: an arm that never grows has to show small differences."""
_OLDEST = 86_400.0
"""Seconds before the release at which the search ends: a day has every hour in it, and is still the same week."""


@dataclass(frozen=True)
class Span:
    """An interval of unix times, from the first up to the second."""

    began: float
    ended: float


def spans(history: Sequence[Past], until: datetime, seconds: float) -> tuple[Span, ...]:
    """Return the newest time, ``seconds`` in all, in which the version that is live at ``until`` was alone.

    Between a release and the way back from it, users met another version, in the same slot even, so that time is left
    out. Where a release was promoted, what was before it was another version.
    """
    found: list[Span] = []
    for began, ended in _gaps(history, until.timestamp()):
        since = max(began, ended - seconds)
        if since < ended:
            found.append(Span(since, ended))
            seconds -= ended - since
    return tuple(found)


def undisturbed_since(history: Sequence[Past], until: datetime) -> float:
    """Return the unix time since which no release has changed what users got; at most a day."""
    return next(_gaps(history, until.timestamp()))[0]


def _gaps(history: Sequence[Past], until: float) -> Iterator[tuple[float, float]]:
    """Return the times between releases, the newest first, back to where the version that is live was promoted."""
    oldest, ended = until - _OLDEST, until
    for past in reversed(history):
        settled = (past.promoted or past.ended).timestamp()
        yield max(settled, oldest), ended
        if past.outcome == "promoted":
            return
        ended = past.began.timestamp()
        if ended <= oldest:
            return
    yield oldest, ended
