"""The minimum sample for a comparison of two slots, and the time until both slots have it."""

from math import ceil, sqrt
from statistics import NormalDist

FALSE_ALARM, POWER = 0.05, 0.8
"""For one look at a fixed sample, one-sided: the usual values in textbooks and sample size tables."""
_ALPHA, _BETA = NormalDist().inv_cdf(1 - FALSE_ALARM), NormalDist().inv_cdf(POWER)
_ALL = 100


def requests_per_arm(base: float, margin: float) -> int:
    """Return the sample per arm that shows ``base + margin`` against ``base``; both are proportions.

    1 % against 2 % takes 1,826 requests. The formula is the normal approximation with the pooled variance under "no
    difference" and the unpooled variance under "worse by the margin": Fleiss, Levin, Paik, *Statistical Methods for
    Rates and Proportions*, 3rd ed., eq. 4.14, without the continuity correction. The sample is a floor, so that no
    verdict rests on chance. The sequential test of ``delivery.judge.verdicts`` decides when the evidence suffices, and
    often needs more.
    """
    base = min(max(base, 0.0), 1 - margin)  # a share above this cannot be exceeded by the margin
    worse = base + margin
    pooled = (base + worse) / 2
    under_none = _ALPHA * sqrt(2 * pooled * (1 - pooled))
    under_margin = _BETA * sqrt(base * (1 - base) + worse * (1 - worse))
    return max(1, ceil((under_none + under_margin) ** 2 / margin**2))


def seconds_needed(per_arm: int, traffic: float, weight: int) -> int | None:
    """Return the seconds until both arms have their sample, at ``traffic`` requests per second; None = never.

    At 100 % the live slot answers nothing; its arm exists already, from the steps before.
    """
    share = weight if weight == _ALL else min(weight, _ALL - weight)
    return ceil(per_arm * _ALL / (traffic * share)) if traffic > 0 and share > 0 else None
