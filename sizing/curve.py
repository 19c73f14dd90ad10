"""The data of a sizing plot: how the time in system falls with the number of pods."""

from dataclasses import dataclass
from math import ceil, floor

from sizing.sizing import Sizing
from sizing.split import erlang_time

_BEYOND = 5
"""Number of pods shown above the number needed."""
_POINTS = 24
_USUAL = 0.95


@dataclass(frozen=True)
class Point:
    """The times at one number of pods."""

    pods: int
    seconds: float
    """Quantile of the time in system."""
    textbook: float
    """The same quantile if all pods shared one queue and service times were exponential (M/M/n)."""
    takes: bool
    """Whether this is the number of pods that the load needs."""


@dataclass(frozen=True)
class Curve:
    """The objective's quantile, or p95 without an objective, by number of pods."""

    share: float
    within: float | None
    """The objective's time in seconds."""
    points: tuple[Point, ...]

    @property
    def name(self) -> str:
        """The common name of the quantile, such as p99."""
        return f"p{100 * self.share:g}"


def curve(found: Sizing) -> Curve:
    """Return the curve at the usual rate, from the fewest pods that keep up to a few more than needed."""
    demand = found.demand
    share = demand.objective.share if demand.objective else _USUAL
    fewest = floor(demand.rate * demand.service.seconds / demand.concurrency) + 1
    beyond = max(found.pods + _BEYOND, ceil(1.25 * found.pods))
    step = max(1, ceil((beyond - fewest + 1) / _POINTS))
    numbers = sorted({*range(fewest, beyond + 1, step), found.pods})
    return Curve(
        share,
        demand.objective.within if demand.objective else None,
        tuple(_point(found, pods, share) for pods in numbers),
    )


def _point(found: Sizing, pods: int, share: float) -> Point:
    demand = found.demand
    shared = erlang_time(pods, demand.rate, demand.service, demand.concurrency, share)[1]
    return Point(pods, demand.station(pods, demand.rate).quantile(share), shared, pods == found.pods)
