"""The gamma distribution of a service time with a known mean and coefficient of variation."""

from dataclasses import dataclass
from math import exp, inf, lgamma, log

_TERMS, _PRECISION = 10_000, 1e-14
"""Maximum number of terms, and relative precision, of the two expansions of the incomplete gamma function. Both
expansions converge with far fewer terms."""


@dataclass(frozen=True)
class GammaTime:
    """A positive random time: exponential for cv 1, nearly constant for a small cv.

    The gamma distribution is the common choice if only mean and variation are known. M/M/n is its special case cv 1.
    """

    seconds: float
    """The mean."""
    cv: float = 1.0
    """Standard deviation divided by mean; greater than 0."""

    @property
    def shape(self) -> float:
        """The first parameter of the distribution. The second parameter, the scale, is mean / shape."""
        return self.cv**-2

    def longer_than(self, seconds: float) -> float:
        """Return the share of times that are longer than ``seconds``."""
        return gamma_tail(self.shape, seconds * self.shape / self.seconds)


def gamma_tail(shape: float, x: float) -> float:
    """Return the regularized upper incomplete gamma function Q(shape, x): the share of a gamma variable above x.

    Series below shape + 1, Lentz' continued fraction above: Press et al., *Numerical Recipes*, 3rd ed., section 6.2.
    """
    if x <= 0:
        return 1.0
    front = exp(shape * log(x) - x - lgamma(shape))
    return 1 - front * _series(shape, x) if x < shape + 1 else front * _fraction(shape, x)


def _series(shape: float, x: float) -> float:
    term = total = 1 / shape
    for n in range(1, _TERMS):
        term *= x / (shape + n)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    b = x + 1 - shape
    c, d = inf, 1 / b
    total = d
    for n in range(1, _TERMS):
        step = n * (shape - n)
        b += 2
        d, c = 1 / (b + step * d), b + step / c
        total *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return total
