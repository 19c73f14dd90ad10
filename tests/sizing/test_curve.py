"""What a plot of a sizing shows."""

from dataclasses import replace

import pytest

from models.gamma import GammaTime
from sizing.curve import curve
from sizing.sizing import Demand, Objective, Sizing

DEMAND = Demand(rate=50, peak=50, service=GammaTime(0.1, 0.5), objective=Objective(0.99, 0.5))


def test_it_begins_where_pods_keep_up_and_shows_what_is_taken() -> None:
    found = curve(Sizing(DEMAND))
    assert (found.name, found.within) == ("p99", 0.5)
    assert [point.pods for point in found.points] == list(range(6, 13))
    assert [point.pods for point in found.points if point.takes] == [7]
    assert [point.seconds <= 0.5 for point in found.points] == [False] + 6 * [True]


def test_more_pods_are_never_slower() -> None:
    times = [point.seconds for point in curve(Sizing(DEMAND)).points]
    assert times == sorted(times, reverse=True)


@pytest.mark.slow
def test_many_pods_are_thinned_out_and_keep_the_one_that_is_taken() -> None:
    found = curve(Sizing(replace(DEMAND, rate=2000, peak=2000)))
    assert len(found.points) <= 26
    assert sum(point.takes for point in found.points) == 1


def test_without_an_objective_it_is_p95() -> None:
    found = curve(Sizing(replace(DEMAND, objective=None)))
    assert (found.name, found.within) == ("p95", None)
