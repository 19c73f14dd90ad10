"""The record of releases: what it is bound to, and what it refuses."""

import pytest

from models.delivery import Arm, Held, ServiceDelivery, Version, fingerprint
from models.release import SlotRelease
from models.scaling import Autoscaled, Fixed, within
from tests.models.tables import Refused, refusing
from tests.samples import IMAGE, OTHER_IMAGE, accepted

CONTENT = {"image": IMAGE, "model": {"uri": "s3://models/digits/1"}, "server": {"queueLimit": 5}}
AT = "2026-11-21T12:00:00Z"

REFUSED: Refused = [
    (Arm, {"bad": 2, "total": 1}, "bad 2 exceeds total 1; correct one of them"),
    (SlotRelease, {"minReplicas": 3, "maxReplicas": 2}, "minReplicas 3 exceeds maxReplicas 2; lower it"),
]


test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


def hashed(**changes: object) -> str:
    return fingerprint(accepted(SlotRelease, {**CONTENT, **changes}))


@pytest.mark.parametrize(
    "changes",
    [{"model": {"uri": "s3://models/digits/2"}}, {"server": {"queueLimit": 6}}, {"files": {"vocab.txt": "a"}}],
    ids=str,
)
def test_another_model_setting_or_file_is_another_configuration(changes: dict[str, object]) -> None:
    assert hashed(**changes) != hashed()


@pytest.mark.parametrize("changes", [{"image": OTHER_IMAGE}, {"minReplicas": 3}, {"maxReplicas": 3}], ids=str)
def test_the_image_and_the_pods_of_a_moving_release_are_no_configuration(changes: dict[str, object]) -> None:
    assert hashed(**changes) == hashed()


def test_a_default_that_is_said_is_the_same_configuration() -> None:
    assert hashed(server={"queueLimit": 5, "topK": 3}) == hashed()


@pytest.mark.parametrize(("config", "held"), [(hashed(), True), (None, True), ("0" * 16, False)])
def test_a_hold_is_on_an_image_with_one_configuration_or_with_any(config: str | None, held: bool) -> None:
    hold = accepted(Held, {"image": IMAGE, "config": config, "reason": "errors", "by": "me", "at": AT})
    record = ServiceDelivery(holds=(hold,))
    assert (record.holding(Version(IMAGE, hashed())) == hold) is held
    assert record.holding(Version(OTHER_IMAGE, hashed())) is None


METRICS = {"cpu": {"utilization": 70}}
RANGE = accepted(Autoscaled, {"minReplicas": 2, "maxReplicas": 10, "metrics": METRICS})


@pytest.mark.parametrize(
    ("least", "most", "floor", "ceiling"),
    [(None, None, 2, 10), (5, None, 5, 10), (1, None, 2, 10), (12, None, 12, 12), (4, 4, 4, 4), (None, 1, 1, 1)],
)
def test_a_release_narrows_the_range_of_an_autoscaler_and_keeps_its_signals(
    least: int | None, most: int | None, floor: int, ceiling: int
) -> None:
    narrowed = within(RANGE, least, most)
    assert (narrowed.floor, narrowed.ceiling) == (floor, ceiling)
    assert isinstance(narrowed, Autoscaled)
    assert narrowed.metrics == RANGE.metrics


@pytest.mark.parametrize(("least", "most", "replicas"), [(None, None, 3), (5, None, 5), (1, 1, 1), (2, None, 3)])
def test_a_fixed_number_becomes_another_fixed_number(least: int | None, most: int | None, replicas: int) -> None:
    assert within(Fixed(replicas=3), least, most) == Fixed(replicas=replicas)
