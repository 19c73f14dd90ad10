"""The time before a release: when the version that is live answered alone."""

from datetime import UTC, datetime, timedelta

import pytest

from delivery.judge.baseline_spans import Span, spans, undisturbed_since
from models.delivery import Past
from tests.delivery.runs import TARGET
from tests.each import each
from tests.samples import OTHER_IMAGE

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def past(began: float, ended: float, outcome: str = "rolled back", promoted: float | None = None) -> Past:
    """A release that ended; minutes from noon."""
    return Past.model_validate(
        {
            "id": "1", "image": OTHER_IMAGE, "config": "0" * 16, "content": TARGET, "outcome": outcome,
            "began": at(began), "ended": at(ended), "promoted": None if promoted is None else at(promoted),
        }
    )  # fmt: skip


def minutes(found: tuple[Span, ...]) -> list[tuple[float, float]]:
    noon = NOON.timestamp()
    return [(round((span.began - noon) / 60, 3), round((span.ended - noon) / 60, 3)) for span in found]


@each(
    ("history", "expected"),
    [
        ([], [(-10, 0)]),
        ([past(-90, -60)], [(-10, 0)]),
        ([past(-5, -2)], [(-2, 0), (-13, -5)]),
        ([past(-9, -8), past(-5, -2)], [(-2, 0), (-8, -5), (-14, -9)]),
        ([past(-5, -2, "promoted")], [(-2, 0)]),
        ([past(-30, -20, "promoted"), past(-19, -1)], [(-1, 0), (-20, -19)]),
        ([past(-30, -2, "promoted", promoted=-25)], [(-10, 0)]),
        ([past(-5, 0)], [(-15, -5)]),
        ([past(-2000, -1)], [(-1, 0)]),
    ],
)
def test_only_the_time_counts_in_which_the_live_version_was_alone(
    history: list[Past], expected: list[tuple[float, float]]
) -> None:
    assert minutes(spans(history, NOON, 600)) == expected


def test_the_search_ends_after_a_day() -> None:
    assert minutes(spans([], NOON, 1e9)) == [(-1440, 0)]
    assert minutes(spans([past(-1400, -20)], NOON, 1e9)) == [(-20, 0), (-1440, -1400)]


@pytest.mark.parametrize(
    ("history", "since"), [([past(-5, -2)], -2), ([past(-30, -2, "promoted", promoted=-25)], -25), ([], -1440)]
)
def test_what_is_live_is_disturbed_by_each_release(history: list[Past], since: float) -> None:
    assert undisturbed_since(history, NOON) == at(since).timestamp()
