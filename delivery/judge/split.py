"""Whether requests were split as declared."""

from collections.abc import Mapping
from math import sqrt

from delivery.plan.stages import ALL
from models.release import Match, ServiceRelease

ERRORS = 3
"""Standard errors by which an observed share may differ from the declared one; chance stays within them in 99.7 %."""
POINTS = 2.0
"""Percentage points of difference that always pass: proxies distribute requests in rounds, not at random."""
FINE = 15.0
"""The largest tolerance, in percentage points. With fewer requests, 10 % and 50 % look alike."""


def observed(
    recent: Mapping[str, int], release: ServiceRelease, *, expected_share: float | None = None, steered: bool = False
) -> bool | None:
    """Return whether the newest requests were split as declared.

    If a match, a session or the callers' connections decide, the share differs from the weight. Then only the direction
    is visible: none or some.

    Args:
        recent: Requests by role, from scrapes after the split was declared.
        release: The declared release.
        expected_share: Without a route, the candidate's percentage of the pods. Callers keep connections, so only the
            direction of the *request* share is known.
        steered: Whether something besides the weight decides: a match, or sessions that keep clients with the slot that
            answered them first.

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
    """Return whether the observed share is the declared one; None if the sample cannot tell it from other shares."""
    tolerance = ERRORS * sqrt(share * (ALL - share) / total)
    if tolerance > min(share, ALL - share, FINE):
        return None
    return abs(ALL * candidate / total - share) <= max(tolerance, POINTS)
