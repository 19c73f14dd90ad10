"""Whether the split that was declared is the one that requests meet."""

from collections.abc import Mapping
from math import sqrt

from delivery.plan.stages import ALL
from models.release import Match, ServiceRelease

ERRORS = 3
"""Standard errors around the declared share within which an observed one counts as it: 99.7 %."""
POINTS = 2.0
"""Percentage points that are let pass however many requests there were: proxies take turns in rounds, not by dice."""
FINE = 15.0
"""Percentage points: the most that those standard errors may be. With fewer requests 10 % and 50 % look alike."""


def observed(
    recent: Mapping[str, int], release: ServiceRelease, *, expected_share: float | None = None, steered: bool = False
) -> bool | None:
    """Tell whether the newest requests were split as declared.

    Where a match, a session or the connections of callers decide, the share is not the weight's: then only the
    direction can be seen, none or some.

    Args:
        recent: Requests by role, of scrapes after the split was declared.
        release: What is declared.
        expected_share: Without a route, the percent of the pods that are the candidate's. Callers keep connections, so
            that the share of *requests* is known in direction only.
        steered: Something besides the weight decides: a match, or clients stay with the slot that answered them first.

    Returns:
        None = too few requests to tell.
    """
    candidate, live = recent.get("candidate", 0), recent.get("live", 0)
    share = float(release.weight) if expected_share is None else expected_share
    matched = release.match != Match()
    if not candidate + live:
        return None
    if share <= 0:
        return matched or not candidate
    if share >= ALL:
        return (matched and candidate > 0) or not live
    if matched or steered or expected_share is not None:
        return candidate > 0 or None
    return _near(candidate, candidate + live, share)


def _near(candidate: int, total: int, share: float) -> bool | None:
    """Compare an observed share with the declared one, where it could be told from none, all and its neighbours."""
    tolerance = ERRORS * sqrt(share * (ALL - share) / total)
    if tolerance > min(share, ALL - share, FINE):
        return None
    return abs(ALL * candidate / total - share) <= max(tolerance, POINTS)
