"""One verdict on two arms: what is enough evidence, and what is none."""

from random import Random

import pytest

from delivery.judge.samples import requests_per_arm
from delivery.judge.verdicts import FALSE_FAIL, FALSE_PASS, judge, wanted
from models.delivery import Arm
from tests.each import each

Counts = tuple[int, int]
"""Bad answers, and all."""
NOBODY = (0, 0)
LOOKS = 100


def arm(counts: Counts) -> Arm:
    return Arm(bad=counts[0], total=counts[1])


def judged(candidate: Counts, live: Counts, margin: float = 1) -> str | None:
    return judge(arm(candidate), arm(live), margin, final=False)


@pytest.mark.parametrize(
    ("candidate", "live"),
    [
        ((8, 40), (4, 360)),
        ((5, 5), (0, 45)),
        ((1000, 1000), (0, 5)),
        ((90, 3000), (270, 27000)),
        ((5000, 5000), (2500, 5000)),
    ],
    ids=str,
)
def test_a_candidate_that_is_clearly_worse_fails(candidate: Counts, live: Counts) -> None:
    assert judged(candidate, live) == "fail"


@pytest.mark.parametrize(
    ("candidate", "live"),
    [((40, 4000), (360, 36000)), ((40, 4000), (40, 4000)), ((0, 2000), (0, 2000)), ((0, 20_000), (2000, 20_000))],
    ids=str,
)
def test_a_candidate_that_is_no_worse_passes_once_the_sample_is_there(candidate: Counts, live: Counts) -> None:
    assert judged(candidate, live) == "pass"


@each(
    ("candidate", "live"),
    [
        (NOBODY, NOBODY),
        (NOBODY, (10, 1000)),
        ((1, 1), (0, 9)),
        ((1, 1), NOBODY),
        ((3, 30), (0, 300)),
        ((4, 4), (0, 36)),
        ((4, 10), (1, 128)),
        ((200, 1000), (1, 3)),
        ((0, 100_000), (0, 10)),
        ((9, 9), (9, 9)),
        ((0, 500), (0, 100_000)),
        ((15, 1000), (100, 10_000)),
    ],
)
def test_few_counts_give_no_verdict_and_at_the_deadline_an_inconclusive_one(candidate: Counts, live: Counts) -> None:
    assert judged(candidate, live) is None
    assert judge(arm(candidate), arm(live), 1, final=True) == "inconclusive"


@pytest.mark.parametrize(("candidate", "live"), [((8, 40), (4, 360)), ((40, 4000), (360, 36000))], ids=str)
def test_the_deadline_does_not_change_a_verdict(candidate: Counts, live: Counts) -> None:
    assert judge(arm(candidate), arm(live), 1, final=True) == judged(candidate, live)


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        ((0, 2000), "pass"),
        ((6, 20_000), "pass"),
        ((20, 2000), None),
        ((10, 20), "fail"),
        ((90, 3000), "fail"),
        ((2, 300), None),
    ],
    ids=str,
)
def test_without_any_live_arm_the_margin_is_the_limit_of_the_share_itself(
    candidate: Counts, verdict: str | None
) -> None:
    assert judged(candidate, NOBODY) == verdict


def test_a_live_slot_that_fails_always_condemns_nobody() -> None:
    assert judged((5000, 5000), (5000, 5000)) == "pass"
    assert judged((0, 5000), (5000, 5000)) == "pass"


def test_no_pass_rests_on_less_than_the_minimum_sample_of_either_arm() -> None:
    live = (300, 10_000)
    least = wanted(arm(live), 1)
    assert judged((0, least), live) == "pass"
    assert judged((0, least - 1), live) is None
    assert judged((0, 20_000), (90, 3000)) is None, "the live slot's sample counts too"


def test_the_wider_the_margin_the_sooner_it_passes() -> None:
    assert judged((10, 500), (10, 500), margin=5) == "pass"
    assert judged((10, 500), (10, 500), margin=1) is None


@pytest.mark.parametrize(
    ("live", "margin", "requests"),
    [
        (None, 1, requests_per_arm(0.01, 0.01)),
        (NOBODY, 1, requests_per_arm(0.01, 0.01)),
        ((199, 9900), 1, requests_per_arm(0.02, 0.01)),
        ((199, 9900), 5, requests_per_arm(0.02, 0.05)),
    ],
    ids=str,
)
def test_the_minimum_sample_follows_the_live_slots_share_as_far_as_it_is_known(
    live: Counts | None, margin: float, requests: int
) -> None:
    assert wanted(arm(live) if live else None, margin) == requests


def ever(candidate: float, live: float, wrong: str, random: Random) -> bool:
    """Whether the wrong verdict comes at any look of a window that nobody ends."""
    bad, live_bad = 0, 0
    for look in range(1, LOOKS + 1):
        bad += sum(random.random() < candidate for _ in range(10))
        live_bad += sum(random.random() < live for _ in range(20))
        if judged((bad, 10 * look), (live_bad, 20 * look), margin=5) == wrong:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("candidate", "live", "wrong", "bound"),
    [(0.1, 0.1, "fail", FALSE_FAIL), (0.15, 0.1, "pass", FALSE_PASS)],
)
def test_even_a_watcher_who_never_stops_looking_seldom_sees_the_wrong_verdict(
    candidate: float, live: float, wrong: str, bound: float
) -> None:
    random, windows = Random(7), 300  # noqa: S311 -- a simulation, no secret
    seen = sum(ever(candidate, live, wrong, random) for _ in range(windows))
    assert seen <= bound * windows, f"{seen} of {windows} windows"


def test_the_noise_of_a_busy_node_is_not_the_versions_fault() -> None:
    noisy, calm = arm((49, 1000)), arm((6, 1000))
    assert judge(noisy, calm, 20, final=False) == "pass"
    assert judge(noisy, calm, 2, final=False) == "fail"


def test_one_good_answer_of_the_live_slot_condemns_nobody() -> None:
    assert judged((20, 100), (0, 1)) is None
