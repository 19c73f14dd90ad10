"""The declared split, told from the newest requests; or not told, where they are too few."""

import random
from typing import Any

import pytest

from delivery.judge.split import observed
from models.release import ServiceRelease
from tests.each import each


def release(weight: int, **more: object) -> ServiceRelease:
    declared: dict[str, Any] = {"slots": {"blue": {}, "green": {}}, "weight": weight, **more}
    return ServiceRelease.model_validate(declared)


def seen(live: int, candidate: int) -> dict[str, int]:
    return {"live": live, "candidate": candidate}


MATCH = {"header": {"name": "X-Canary"}}


@each(
    ("weight", "live", "candidate", "found"),
    [
        (20, 240, 60, True),
        (20, 250, 50, True),
        (20, 200, 100, False),
        (20, 300, 0, False),
        (20, 30, 8, None),
        (10, 72, 8, None),
        (10, 81, 9, True),
        (50, 45, 45, None),
        (50, 60, 60, True),
        (50, 108, 12, False),
        (20, 79_000, 21_000, True),
        (20, 77_900, 22_100, False),
        (0, 50, 0, True),
        (0, 50, 1, False),
        (100, 0, 50, True),
        (100, 1, 50, False),
        *((weight, 0, 0, None) for weight in (0, 20, 100)),
    ],
)
def test_a_share_is_judged_as_far_as_the_requests_allow(
    weight: int, live: int, candidate: int, found: bool | None
) -> None:
    assert observed(seen(live, candidate), release(weight)) is found


@pytest.mark.slow
@pytest.mark.parametrize("weight", [5, 10, 20, 50, 90])
@pytest.mark.parametrize("requests", [100, 400, 2000])
def test_a_true_split_by_dice_is_hardly_ever_denied(weight: int, requests: int) -> None:
    dice = random.Random(1000 * weight + requests)  # noqa: S311 -- no secret
    answers: list[bool | None] = []
    for _ in range(400):
        candidate = sum(dice.random() < weight / 100 for _ in range(requests))
        answers.append(observed(seen(requests - candidate, candidate), release(weight)))
    assert answers.count(False) <= 5


@pytest.mark.parametrize("declared", [release(20, match=MATCH), release(20)])
def test_steered_requests_show_the_direction_alone(declared: ServiceRelease) -> None:
    assert observed(seen(10, 190), declared, steered=True) is True
    assert observed(seen(300, 0), declared, steered=True) is None


def test_a_match_steers_by_itself() -> None:
    assert observed(seen(10, 190), release(20, match=MATCH)) is True
    assert observed(seen(50, 3), release(0, match=MATCH)) is True
    assert observed(seen(3, 50), release(100, match=MATCH)) is True
    assert observed(seen(50, 0), release(100, match=MATCH)) is False


def test_a_session_at_weight_0_is_still_no_request() -> None:
    assert observed(seen(50, 1), release(0), steered=True) is False


def test_pods_that_share_one_service_show_the_direction_alone() -> None:
    assert observed(seen(290, 10), release(20), expected_share=33.3) is True
    assert observed(seen(300, 0), release(20), expected_share=33.3) is None
    assert observed(seen(300, 1), release(20), expected_share=0) is False
