"""The sizing benchmark: its cases are the published ones, and its verdict is a real comparison."""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, cast

import pytest

from bench import sizing
from bench.sizing_cases import BURSTS, MEASURED, bank, bank_course, measured, row, shop, shop_course
from models.gamma import GammaTime
from sizing.arrivals import Course
from sizing.simulation import Plan, simulate
from sizing.sizing import Demand, Objective


class Inline:
    """A pool of no processes, which counts what it did."""

    def __init__(self) -> None:
        self.done = 0

    def map(self, do: Callable[[int], object], numbers: Iterable[int]) -> list[object]:
        found = [do(number) for number in numbers]
        self.done += len(found)
        return found


def pool() -> tuple[Inline, ProcessPoolExecutor]:
    made = Inline()
    return made, cast("ProcessPoolExecutor", made)


QUESTION = sizing.Question("any", Demand(rate=50, peak=50, service=GammaTime(0.1, 0.5), objective=Objective(0.99, 0.5)))


def test_the_bank_has_its_verifications_and_its_bursts_are_three_times_what_is_usual() -> None:
    course = bank_course()
    assert sum(course.at(second) * 5 for second in range(0, 86_400, 5)) == pytest.approx(100_000, rel=1e-3)
    for hour in BURSTS:
        start = hour * 3600 + 600
        assert course.at(start + 60) == pytest.approx(3 * course.at(start - 1), rel=0.01)


def test_the_shop_goes_from_five_pods_to_fifty_and_back() -> None:
    course = shop_course()
    assert [course.at(second) for second in (0, 1200, 3599)] == [40, 400, 40]
    starts = [case.plan.pods for case in shop() if "HPA" in case.name]
    assert set(starts) == {5}


def test_every_case_says_whether_its_times_are_measured_or_published() -> None:
    names = [case.name for case in (*bank(), *shop()) if case.plan.scaler and "published" not in case.name]
    assert all("measured" in name for name in names)
    if not MEASURED.is_file():
        assert measured("classifier") is None


def test_a_row_counts_who_was_refused() -> None:
    case = next(shop())
    plan = Plan(course=Course.level(30), seconds=100, draw=case.plan.draw, pods=1, queue_limit=4)
    cells = row(sizing.Case(name="x", plan=plan, within=0.5), [simulate(plan, 1)])
    assert float(cells[3].removesuffix(" %")) == pytest.approx(33, abs=5)


def seeds_that_hold(patch: pytest.MonkeyPatch, least: int, *, misses: int = 0) -> None:
    """Let the objective be held by so many pods, but for the first seeds."""

    def holds(_: Any, pods: int, seed: int) -> bool:
        return pods >= least and seed >= misses

    patch.setattr(sizing, "holds", holds)


@pytest.mark.parametrize("sized", [7, 8, 9, 6])
def test_the_cheapest_number_is_found_from_either_side(monkeypatch: pytest.MonkeyPatch, sized: int) -> None:
    seeds_that_hold(monkeypatch, 7)
    _, processes = pool()
    share = sizing.share_held(processes, QUESTION, sized, 200)
    assert share == (1.0 if sized >= 7 else 0.0)
    assert sizing.cheapest(processes, QUESTION, sized, share, 200) == 7


@pytest.mark.parametrize(("misses", "share"), [(0, 1.0), (10, 0.95), (11, 0.0)])
def test_ten_of_two_hundred_seeds_may_miss(monkeypatch: pytest.MonkeyPatch, misses: int, share: float) -> None:
    seeds_that_hold(monkeypatch, 1, misses=misses)
    assert sizing.share_held(pool()[1], QUESTION, 7, 200) == share


def test_it_stops_as_soon_as_too_many_have_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds_that_hold(monkeypatch, 99)
    counting, processes = pool()
    sizing.share_held(processes, QUESTION, 7, 200)
    assert counting.done <= 20


def test_pods_that_cannot_keep_up_are_not_even_tried() -> None:
    counting, processes = pool()
    assert sizing.share_held(processes, QUESTION, 5, 200) == 0
    assert counting.done == 0


def test_a_seed_is_a_simulation_of_the_load() -> None:
    small = sizing.Question("small", QUESTION.demand, heavy=True)
    assert small.plan(7).seconds * 50 == pytest.approx(1.1 * sizing.REQUESTS)
    assert sizing.holds(small, 12, 1) is True
