"""What drives a simulation: requests per second over time, and how long each takes."""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, log, sqrt

from models.gamma import GammaTime

Draw = Callable[[random.Random], float]
"""Gives the seconds of one request's service."""


def gamma(time: GammaTime) -> Draw:
    """Draw from the distribution that the formulas assume."""
    scale = time.seconds / time.shape
    return partial(_gamma, time.shape, scale)


def lognormal(time: GammaTime) -> Draw:
    """Draw from a distribution of the same mean and variation with a heavier tail."""
    spread = log(1 + time.cv**2)
    centre, width = log(time.seconds) - spread / 2, sqrt(spread)
    return partial(_lognormal, centre, width)


def measured(times: Sequence[float]) -> Draw:
    """Draw one of the service times that were measured, in seconds."""
    return partial(_choice, times)


# Functions of the module and no lambdas: a plan goes to other processes.
def _gamma(shape: float, scale: float, chance: random.Random) -> float:
    return chance.gammavariate(shape, scale)


def _lognormal(centre: float, width: float, chance: random.Random) -> float:
    return exp(chance.gauss(centre, width))


def _choice(times: Sequence[float], chance: random.Random) -> float:
    return chance.choice(times)


@dataclass(frozen=True)
class Course:
    """Requests per second over time: straight lines between points, and level after the last."""

    points: tuple[tuple[float, float], ...]
    """Second and rate; the first second is 0."""

    @classmethod
    def level(cls, rate: float) -> "Course":
        """Return the same rate for ever."""
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
