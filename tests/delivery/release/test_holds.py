"""Holds: what was rolled back stays away until somebody lets it go."""

import pytest

from delivery.errors import Refused
from delivery.release import evidence, holds
from models.delivery import Note, ServiceDelivery, Version, fingerprint
from tests.delivery import vouching as given
from tests.delivery.vouching import CONFIG, ENTRY, HOUR, NOON, TUNED
from tests.samples import IMAGE, OTHER_IMAGE

HELD = Version(OTHER_IMAGE, CONFIG)
AT = {"stack": "prod", "service": "classifier"}


def hold(delivery: ServiceDelivery, config: str | None = CONFIG, reason: str = "5 % errors") -> ServiceDelivery:
    return holds.hold(delivery, OTHER_IMAGE, Note(reason, "ann", NOON), config=config)


def test_held_bytes_are_refused_with_reason_and_command() -> None:
    with pytest.raises(Refused) as raised:
        holds.refuse_held(hold(ServiceDelivery()), HELD, **AT)
    assert str(raised.value) == (
        "prod: classifier …@sha256:9be19be19be1 is held: 5 % errors (ann, 2026-01-02 12:00:00 UTC); "
        f"release another version, or remove the hold: slipway release-hold prod classifier {OTHER_IMAGE}"
    )


def test_other_bytes_and_other_configurations_are_not_held() -> None:
    delivery = hold(ServiceDelivery())
    holds.refuse_held(delivery, Version(IMAGE, CONFIG), **AT)
    holds.refuse_held(delivery, Version(OTHER_IMAGE, fingerprint(TUNED)), **AT)


def test_an_image_can_be_held_with_whatever_configuration() -> None:
    with pytest.raises(Refused, match="is held"):
        holds.refuse_held(hold(ServiceDelivery(), None), Version(OTHER_IMAGE, fingerprint(TUNED)), **AT)


def test_holding_the_same_again_replaces_the_reason() -> None:
    delivery = hold(hold(ServiceDelivery(), reason="first"), reason="second")
    assert [held.reason for held in delivery.holds] == ["second"]


def test_letting_go_frees_every_configuration_and_nothing_else() -> None:
    delivery = hold(hold(given.recorded(holds=(given.held(IMAGE),))), None)
    free = holds.let_go(delivery, OTHER_IMAGE, **AT)
    assert [held.image for held in free.holds] == [IMAGE]
    holds.refuse_held(free, HELD, **AT)


@pytest.mark.parametrize(("held", "named"), [((), "nothing"), ((given.held(IMAGE),), IMAGE)])
def test_letting_go_of_what_is_not_held_names_what_is(held: tuple[object, ...], named: str) -> None:
    with pytest.raises(Refused, match=f"^prod: classifier {OTHER_IMAGE} is not held; held: {named}$"):
        holds.let_go(given.recorded(holds=held), OTHER_IMAGE, **AT)


def test_a_rollback_holds_the_bytes_and_takes_back_the_evidence_for_them() -> None:
    delivery = holds.rolled_back(given.recorded(given.verdict()), HELD, Note("5 % errors", "ann", NOON + HOUR))
    with pytest.raises(Refused, match="is held"):
        holds.refuse_held(delivery, HELD, **AT)
    free = holds.let_go(delivery, OTHER_IMAGE, **AT)
    with pytest.raises(Refused, match="was revoked at 2026-01-02 13:00:00 UTC: 5 % errors"):
        evidence.vouched(given.evidence(*free.verdicts), given.wanted(), ENTRY, NOON + HOUR)
