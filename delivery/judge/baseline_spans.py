"""Baseline periods: when the live version answered alone before a release, according to the record.

A release without a live slot beside the new one (rolling, blue-green) is compared with an earlier period. That period
comes from the record and not from the clock, so a driver that resumes the release uses the same one. Kayenta also fixes
the start of its windows and lets them grow, but its baseline is from the same time, which requires both versions side
by side. Flagger and Argo Rollouts compare with a threshold instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.delivery import Past

LENGTHS = (60.0, 600.0, 3600.0)
"""Seconds of baseline, tried from the shortest: it is the most recent, and longer ones have more requests."""
AMPLE = 5
"""Minimum samples that end the search: a baseline cannot grow, so it needs more to show small differences."""
_OLDEST = 86_400.0
"""Seconds before the release at which the search ends. A day covers every hour and is still within the same week."""


@dataclass(frozen=True)
class Span:
    """An interval of Unix times, from the first up to the second."""

    began: float
    ended: float


def spans(history: Sequence[Past], until: datetime, seconds: float) -> tuple[Span, ...]:
    """Return the newest spans, ``seconds`` in total, in which the version that is live at ``until`` answered alone.

    The time from the start of a release to the end of its way back is left out, because another version answered, even
    in the same slot. The time before the last promotion is left out, because another version was live.
    """
    found: list[Span] = []
    for began, ended in _gaps(history, until.timestamp()):
        since = max(began, ended - seconds)
        if since < ended:
            found.append(Span(since, ended))
            seconds -= ended - since
    return tuple(found)


def undisturbed_since(history: Sequence[Past], until: datetime) -> float:
    """Return the Unix time since which no release has changed what users got, at most a day back."""
    return next(_gaps(history, until.timestamp()))[0]


def _gaps(history: Sequence[Past], until: float) -> Iterator[tuple[float, float]]:
    """Yield the times between releases, newest first, back to the promotion of the live version."""
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
