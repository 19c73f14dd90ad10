"""The simulation: against the formulas where they are exact, and the autoscaler's moves one by one."""

import pickle
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from models.gamma import GammaTime
from sizing.arrivals import Course, Draw, gamma, lognormal, measured
from sizing.simulation import Plan, Scaler, Scheduled, Service, met, simulate
from sizing.sizing import Demand, Objective, Sizing
from sizing.split import Split

pytestmark = pytest.mark.slow  # simulations

UNEVEN = GammaTime(0.1, 0.5)
CLASSIFIER = Demand(rate=50, peak=50, service=UNEVEN, objective=Objective(0.99, 0.5))
TEN: Draw = measured([0.1])
"""Every request takes 100 ms, so a pod serves ten per second."""


@pytest.mark.parametrize(
    ("split", "pods", "service", "at_once"),
    [
        ("central", 6, GammaTime(0.1), 1),  # C7 by the book: M/M/6
        ("in turn", 6, GammaTime(0.1), 1),
        ("in turn", 7, UNEVEN, 1),
        ("at random", 8, UNEVEN, 1),
        ("central", 6, UNEVEN, 1),
        ("in turn", 2, UNEVEN, 4),
    ],
)
def test_it_agrees_with_the_formulas(split: Split, pods: int, service: GammaTime, at_once: int) -> None:
    demand = Demand(rate=50, peak=50, service=service, concurrency=at_once, split=split)
    found = [simulate(Plan.steady(demand, pods, 20_000), seed) for seed in range(4)]
    station = demand.station(pods, 50)
    assert sum(one.mean for one in found) / 4 == pytest.approx(station.mean, rel=0.06)
    assert sum(one.quantile(0.95) for one in found) / 4 == pytest.approx(station.quantile(0.95), rel=0.08)


def test_what_is_sized_holds_its_objective_and_one_pod_less_does_not() -> None:
    pods = Sizing(CLASSIFIER).pods
    held, fewer = (
        list(met(Plan.steady(CLASSIFIER, n, 10_000), Objective(0.99, 0.5), range(8))) for n in (pods, pods - 1)
    )
    assert (pods, sum(held)) == (7, 8)
    assert sum(fewer) < 8


def test_a_seed_gives_the_same_again_and_another_does_not() -> None:
    plan = Plan.steady(CLASSIFIER, 7, 500)
    assert simulate(plan, 1).times == simulate(plan, 1).times
    assert simulate(plan, 1).times != simulate(plan, 2).times


def test_another_pod_meets_the_same_requests() -> None:
    one, other = (simulate(Plan.steady(CLASSIFIER, n, 500), 1) for n in (7, 30))
    assert len(one.times) == len(other.times)
    assert sum(other.times) < sum(one.times)


@pytest.mark.parametrize("draw", [gamma, lognormal])
def test_drawn_times_have_mean_and_variation(draw: Callable[[GammaTime], Draw]) -> None:
    chance, give = random.Random(1), draw(UNEVEN)  # noqa: S311 -- no secret
    times = [give(chance) for _ in range(20_000)]
    mean = sum(times) / len(times)
    assert mean == pytest.approx(0.1, rel=0.02)
    assert (sum((time - mean) ** 2 for time in times) / len(times)) ** 0.5 / mean == pytest.approx(0.5, rel=0.04)


def test_measured_times_are_drawn_as_they_were_measured() -> None:
    plan = Plan(course=Course.level(1), seconds=200, draw=measured([0.01, 0.02]), pods=5)
    assert {round(time, 6) for time in simulate(plan, 1).times} == {0.01, 0.02}


def test_a_plan_can_be_sent_to_another_process() -> None:
    for draw in (gamma(UNEVEN), lognormal(UNEVEN), measured([0.1])):
        plan = Plan(course=Course.level(1), seconds=50, draw=draw, pods=1, scaler=SCALER)
        assert simulate(pickle.loads(pickle.dumps(plan)), 1).times == simulate(plan, 1).times  # noqa: S301 -- our own


def test_a_course_is_straight_between_its_points_and_level_after() -> None:
    course = Course(((0, 10), (100, 20), (200, 0)))
    assert [course.at(second) for second in (0, 50, 100, 150, 200, 999)] == [10, 15, 20, 10, 0, 0]
    assert course.most == 20


def test_requests_come_as_the_course_says() -> None:
    plan = Plan(course=Course(((0, 0), (100, 40))), seconds=200, draw=TEN, pods=10)
    assert len(simulate(plan, 1).times) == pytest.approx(100 * 20 + 100 * 40, rel=0.05)


SCALER = Scaler(target=0.5, least=2, most=20, cold_start=30)


def scaled(course: Course, seconds: float, **changes: object) -> list[tuple[float, int]]:
    """Run pods that are never late, and give when their number changed."""
    plan = Plan(course=course, seconds=seconds, draw=TEN, pods=2, scaler=SCALER)
    return simulate(replace(plan, **changes), 3).pods  # pyright: ignore[reportArgumentType]


def test_pods_are_added_a_cold_start_after_the_look_and_at_most_four_or_twice_as_many_at_once() -> None:
    pods = scaled(Course(((0, 10), (60, 10), (60.1, 200))), 400)
    assert pods[0] == (0, 2)
    firsts = [(second, number) for second, number in pods if 60 < second <= 75 + 30]
    assert max(number for _, number in firsts) <= 2 + 4
    assert min(second for second, number in pods if number > 2) >= 75 + 30 - 1e-9
    assert max(number for _, number in pods) == 20  # 200/s at 0.1 s and half busy would take 40


def test_a_low_target_still_adds_no_more_than_four_pods_or_as_many_as_there_are_in_one_round() -> None:
    pods = scaled(Course.level(30), 100, scaler=replace(SCALER, target=0.1, cold_start=0))
    before = [number for second, number in pods if second <= 15]
    assert max(before) == 2 + 4
    assert max(number for second, number in pods if second <= 30) == 12
    assert max(number for _, number in pods) == 20


def test_within_the_tolerance_nothing_happens() -> None:
    """20/s of 100 ms on four pods is exactly the target of a half; a tenth more is tolerated."""
    steady = Course.level(20.5)
    plan = Plan(course=steady, seconds=600, draw=TEN, pods=4, scaler=replace(SCALER, target=0.53))
    moved = [number for _, number in simulate(plan, 1).pods]
    assert len(moved) < 12
    assert set(moved) <= {3, 4, 5}


def test_pods_go_only_when_nothing_has_asked_for_them_in_five_minutes() -> None:
    pods = scaled(Course(((0, 100), (300, 100), (300.1, 10))), 1200)
    most = max(number for _, number in pods)
    first_less = min(second for second, number in pods if second > 300 and number < most)
    assert 300 + 280 <= first_less <= 300 + 345
    assert pods[-1][1] <= 4


def test_the_range_is_kept() -> None:
    assert min(number for _, number in scaled(Course.level(0.1), 900)) == 2


def test_a_schedule_has_the_pods_there_before_the_peak() -> None:
    schedule = (Scheduled(start=100, end=500, pods=10),)
    pods = scaled(Course.level(5), 1000, schedule=schedule)
    there = min(second for second, number in pods if number == 10)
    assert 100 + 30 <= there <= 100 + 60
    assert pods[-1][1] < 10


def test_pod_seconds_are_counted_from_the_decision() -> None:
    assert simulate(Plan(course=Course.level(1), seconds=100, draw=TEN, pods=3), 1).pod_seconds == 300


def test_a_pod_that_works_on_two_has_two_places() -> None:
    times = simulate(Plan(course=Course.level(15), seconds=300, draw=TEN, pods=1, concurrency=2), 1).times
    assert sum(times) / len(times) < 0.2
    assert max(times) < 2


def test_a_full_queue_refuses_and_the_others_wait_no_longer_than_it() -> None:
    plan = Plan(course=Course.level(20), seconds=500, draw=TEN, pods=1, queue_limit=4)
    found = simulate(plan, 1)
    assert found.availability == pytest.approx(0.5, abs=0.03)
    assert found.requests == found.refused + len(found.times)
    assert max(found.times) <= 0.5 + 1e-9
    assert found.within(10) == found.availability
    assert simulate(replace(plan, queue_limit=10**6), 1).refused == 0


def test_a_queue_that_is_long_enough_changes_nothing() -> None:
    plan = Plan.steady(CLASSIFIER, 7, 2000)
    assert simulate(replace(plan, queue_limit=64), 1).times == simulate(plan, 1).times


def test_requests_before_the_warm_up_are_not_counted() -> None:
    plan = Plan(course=Course.level(100), seconds=20, draw=measured([0.001]), pods=1)
    assert simulate(plan, 1).requests == pytest.approx(2000, rel=0.1)
    assert simulate(replace(plan, warm_up=15), 1).requests == pytest.approx(500, rel=0.2)


def test_one_queue_for_all_is_no_model_of_pods_that_come_and_go() -> None:
    with pytest.raises(ValueError, match="split in turn"):
        Service(Plan(course=Course.level(1), seconds=1, draw=TEN, pods=1, split="central", scaler=SCALER), 1)
