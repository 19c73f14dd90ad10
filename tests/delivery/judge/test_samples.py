"""How many requests a comparison takes, and how long they take to come."""

import pytest

from delivery.judge.samples import requests_per_arm, seconds_needed


def test_one_percent_against_two_takes_1826_requests_per_arm() -> None:
    assert requests_per_arm(0.01, 0.01) == 1826


@pytest.mark.parametrize(
    ("base", "margin", "requests"),
    [(0.02, 0.05, 212), (0.0, 0.01, 615), (0.5, 0.01, 30909), (0.2, 0.2, 64)],
)
def test_a_greater_base_takes_more_and_a_greater_margin_fewer(base: float, margin: float, requests: int) -> None:
    assert requests_per_arm(base, margin) == requests


@pytest.mark.parametrize("base", [0.96, 1.0])
def test_a_live_slot_that_nearly_always_fails_still_gives_a_number(base: float) -> None:
    assert requests_per_arm(base, 0.05) == requests_per_arm(0.95, 0.05) > 0


def test_a_margin_of_everything_takes_one_request_at_least() -> None:
    assert requests_per_arm(0.0, 1.0) >= 1


@pytest.mark.parametrize(
    ("weight", "seconds"),
    [(10, 92), (90, 92), (50, 19), (100, 10), (1, 913)],
    ids=str,
)
def test_the_rarer_arm_sets_the_time_and_at_100_percent_the_new_slot_alone(weight: int, seconds: int) -> None:
    assert seconds_needed(1826, 200, weight) == seconds


@pytest.mark.parametrize(("traffic", "weight"), [(0, 50), (200, 0)])
def test_without_traffic_the_sample_never_comes(traffic: float, weight: int) -> None:
    assert seconds_needed(1826, traffic, weight) is None
