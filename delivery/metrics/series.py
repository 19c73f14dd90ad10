"""What a counter rose by within a window, from its raw samples.

PromQL's ``increase()`` extrapolates to the window's edges and misses all that a series held when it was first seen: the
first 5xx of a new version would be invisible. Here every request counts once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]
Key = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One counter's samples after the window's start."""

    labels: Labels
    samples: tuple[tuple[float, float], ...]
    """(unix time, value), in order."""
    before: float | None
    """Its value at the start; 0 = it did not exist; None = nobody knows, so counting begins at the first sample."""
    existed: bool
    """Whether requests from before the start may be in the first sample."""

    @property
    def risen(self) -> float:
        """What was counted since the start, up to one scrape earlier."""
        values = [value for _, value in self.samples]
        return rise(values[0] if self.before is None else self.before, values) if values else 0.0

    def risen_after(self, begin: float) -> float:
        """What was counted after ``begin``, and certainly not before the window's start.

        Between the last sample before the start and the first one after it, requests of both sides are mixed; that
        interval is left out.
        """
        earlier = [value for at, value in self.samples if at <= begin]
        later = [value for at, value in self.samples if at > begin]
        if not later:
            return 0.0
        if earlier:
            return rise(earlier[-1], later)
        return rise(later[0] if self.existed else 0.0, later)


def rise(base: float, values: Iterable[float]) -> float:
    """Sum up what a counter rose by from ``base`` on; where it falls, its process began anew at 0."""
    risen = 0.0
    for value in values:
        risen += value - base if value >= base else value
        base = value
    return risen


def key_of(labels: Labels) -> Key:
    """Identify a series, with or without its metric's name: functions of PromQL drop it."""
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")


def target_of(labels: Labels) -> tuple[str, str]:
    """Identify the process that was scraped."""
    return labels.get("job", ""), labels.get("instance", "")
