"""The gamma distribution of service times, against known values."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gamma import GammaTime, gamma_tail
from tests.each import each


@each(
    ("shape", "x", "tail"),
    [
        (1, 2, 0.1353352832366127),  # exp(-2)
        (4, 10, 0.010336050675925725),  # below: as scipy.special.gammaincc gives them
        (0.1, 0.01, 0.3373787400455204),
        (0.0625, 3, 0.0009153550258117686),
        (400, 450, 0.007774644192745909),
        (400, 380, 0.8414492902157051),
        (3, 0, 1),
    ],
)
def test_the_tail_is_that_of_the_tables(shape: float, x: float, tail: float) -> None:
    assert gamma_tail(shape, x) == pytest.approx(tail, rel=1e-9)


@given(st.floats(0.001, 100))
def test_with_a_variation_of_1_it_is_the_exponential_distribution(x: float) -> None:
    assert GammaTime(2).longer_than(2 * x) == pytest.approx(exp(-x), rel=1e-9)


@given(st.floats(0.05, 4), st.floats(0, 5), st.floats(0, 5))
def test_the_tail_falls_from_1(cv: float, one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    time = GammaTime(0.5, cv)
    assert 1 + 1e-12 >= time.longer_than(shorter) >= time.longer_than(longer) - 1e-9 >= -1e-9


def test_a_small_variation_is_nearly_constant() -> None:
    time = GammaTime(0.1, 0.05)
    assert time.longer_than(0.08) > 0.999
    assert time.longer_than(0.12) < 0.001
