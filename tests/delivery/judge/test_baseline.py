"""How far back a gate looks for what users got before a release."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from delivery.judge.gate import baseline
from delivery.metrics.prometheus import Tally
from delivery.metrics.sources import Target
from models.delivery import Arm
from tests.delivery.judge.test_gate import ACCURACY, MUCH, Known, keeper

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
"""When a release began."""


class Steady(Known):
    """A source of a service that is always asked so often."""

    def __init__(self, rate: float) -> None:
        super().__init__(MUCH)
        self._rate = rate

    def counts(
        self, target: Target, since: float, within: Mapping[str, int], until: float | None = None
    ) -> dict[str, Tally]:
        del within
        assert until is not None
        assert until == NOON.timestamp(), "the release's own time, whenever somebody asks"
        return {role: Tally(total=round(self._rate * (until - since))) for role in target.slots}


@pytest.mark.parametrize(
    ("rate", "seconds"), [(1000, 60), (50, 600), (2, 3600), (0.01, 3600), (0, 3600)], ids=lambda value: f"{value:g}"
)
def test_what_stood_before_is_asked_for_as_far_back_as_it_takes(rate: float, seconds: int) -> None:
    assert baseline(keeper(Steady(rate)), (), NOON) == {"errors": Arm(bad=0, total=round(rate * seconds))}


def test_a_gate_that_judges_no_requests_asks_for_none_from_before() -> None:
    assert baseline(keeper(Known(None), errors=None, checks=ACCURACY), (), NOON) == {}
