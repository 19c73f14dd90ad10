"""The increase of a counter within a window, from its raw samples.

PromQL's ``increase()`` extrapolates to the window's edges and ignores the value that a series has when it is first
seen: the first 5xx of a new version would be invisible. Here, every request counts once.
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
    """The value at the start; 0 = the counter did not exist; None = unknown, so counting begins at the first sample."""
    existed: bool
    """Whether the first sample may include requests from before the start."""

    @property
    def risen(self) -> float:
        """The increase since the start, or since up to one scrape earlier."""
        values = [value for _, value in self.samples]
        return rise(values[0] if self.before is None else self.before, values) if values else 0.0

    def risen_after(self, begin: float) -> float:
        """Return the increase after ``begin``, without requests from before the window's start.

        Between the last sample before the start and the first one after it, requests from both sides are mixed, so that
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
    """Return the increase of a counter from ``base`` on; where the value falls, the process restarted at 0."""
    risen = 0.0
    for value in values:
        risen += value - base if value >= base else value
        base = value
    return risen


def key_of(labels: Labels) -> Key:
    """Return the identity of a series without the metric's name, which PromQL functions drop."""
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")


def target_of(labels: Labels) -> tuple[str, str]:
    """Return the identity of the scraped process: its job and instance."""
    return labels.get("job", ""), labels.get("instance", "")
