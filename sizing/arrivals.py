"""The input of a simulation: requests per second over time, and the service time of each request."""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, log, sqrt

from models.gamma import GammaTime

Draw = Callable[[random.Random], float]
"""Returns the service time of one request in seconds."""


def gamma(time: GammaTime) -> Draw:
    """Return draws from the gamma distribution that the formulas assume."""
    scale = time.seconds / time.shape
    return partial(_gamma, time.shape, scale)


def lognormal(time: GammaTime) -> Draw:
    """Return draws from a lognormal distribution with the same mean and variation and a heavier tail."""
    spread = log(1 + time.cv**2)
    centre, width = log(time.seconds) - spread / 2, sqrt(spread)
    return partial(_lognormal, centre, width)


def measured(times: Sequence[float]) -> Draw:
    """Return draws from measured service times in seconds."""
    return partial(_choice, times)


# Module-level functions instead of lambdas, because a plan is pickled for other processes.
def _gamma(shape: float, scale: float, chance: random.Random) -> float:
    return chance.gammavariate(shape, scale)


def _lognormal(centre: float, width: float, chance: random.Random) -> float:
    return exp(chance.gauss(centre, width))


def _choice(times: Sequence[float], chance: random.Random) -> float:
    return chance.choice(times)


@dataclass(frozen=True)
class Course:
    """The rate of requests over time: linear between points, constant after the last."""

    points: tuple[tuple[float, float], ...]
    """Pairs of time in seconds and rate; the first time is 0."""

    @classmethod
    def level(cls, rate: float) -> "Course":
        """Return a constant rate."""
        return cls(((0, rate),))

    @property
    def most(self) -> float:
        """The highest rate."""
        return max(rate for _, rate in self.points)

    def at(self, second: float) -> float:
        """Return the rate at a time."""
        after = bisect_right(self.points, (second, inf))
        if after == len(self.points):
            return self.points[-1][1]
        (left, low), (right, high) = self.points[after - 1 : after + 1]
        return low + (high - low) * (second - left) / (right - left)
