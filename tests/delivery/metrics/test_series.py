"""What a counter rose by, whatever became of its process meanwhile."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.metrics.series import Series, rise

STEPS = st.lists(st.integers(0, 1000), max_size=20)


def series(values: list[float], *, before: float | None, existed: bool = True) -> Series:
    samples = tuple((float(at), value) for at, value in enumerate(values, 1))
    return Series(labels={}, samples=samples, before=before, existed=existed)


@given(st.integers(0, 10**6), STEPS)
def test_a_counter_that_only_grows_rose_by_what_was_added(base: int, steps: list[int]) -> None:
    values = [float(value) for value in list(accumulate(steps, initial=base))[1:]]
    assert rise(base, values) == sum(steps)


@given(st.integers(0, 10**6), st.lists(STEPS, min_size=1, max_size=5))
def test_each_life_of_a_process_counts_from_nothing(base: int, lives: list[list[int]]) -> None:
    """A life whose first sample is not below the end of the one before cannot be told from its continuation."""
    values: list[float] = []
    expected = last = float(base)
    for number, steps in enumerate(lives):
        life = [float(value) for value in accumulate(steps, initial=base if number == 0 else 0)][1:]
        if number and life and life[0] >= last:
            life = [float(last) / 2 if last else 0.0, *life]
        if not life:
            continue
        expected += life[-1] - (last if number == 0 else 0) if number == 0 or life[0] < last else life[-1] - last
        values += life
        last = life[-1]
    assert rise(base, values) == pytest.approx(expected - base)


@given(st.integers(0, 1000), STEPS, st.integers(0, 20))
def test_a_window_cut_in_two_counts_the_same(base: int, steps: list[int], cut: int) -> None:
    values = [float(value) for value in list(accumulate(steps, initial=base))[1:]]
    first, second = values[:cut], values[cut:]
    middle = first[-1] if first else float(base)
    assert rise(base, first) + rise(middle, second) == rise(base, values)


@given(st.lists(st.integers(0, 1000), max_size=30))
def test_nothing_ever_rises_by_less_than_nothing(values: list[int]) -> None:
    assert rise(500, values) >= 0


def test_a_series_that_is_new_counts_with_all_that_it_has() -> None:
    assert series([3, 5], before=0, existed=False).risen == 5


def test_a_series_that_was_there_counts_what_came_after() -> None:
    assert series([103, 105], before=100).risen == 5


def test_a_series_of_unknown_past_counts_from_its_first_sample() -> None:
    assert series([103, 105], before=None).risen == 2


def test_no_sample_is_no_request() -> None:
    assert series([], before=None).risen == 0


def test_the_newest_requests_leave_out_the_interval_in_which_the_window_began() -> None:
    """The first scrape at 1 has requests from before 0 in it."""
    assert series([103, 105, 109], before=100).risen_after(0) == 6


def test_the_newest_requests_of_a_new_series_are_all_of_them() -> None:
    assert series([3, 5], before=0, existed=False).risen_after(0) == 5


def test_the_newest_requests_begin_where_they_are_asked_for() -> None:
    assert series([103, 105, 109], before=100).risen_after(2) == 4
    assert series([103, 105, 109], before=100).risen_after(2.5) == 4
    assert series([103, 105, 109], before=100).risen_after(3) == 0
