"""`slipway check`: what a later look at the live slot does to the evidence."""

from pathlib import Path
from typing import Any

import pytest

from delivery import checking
from delivery.errors import DeliveryError
from delivery.gate import Look
from models.delivery import Result, Verdict
from models.release import SlotRelease
from models.revision import Revision
from models.service import ServiceSpec
from tests.delivery.desk import CANARY, FINE, STABLE, WORSE, Desk
from tests.delivery.vouching import HOUR, NOON, held, recorded, revoked, verdict
from tests.samples import IMAGE, accepted, service


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


class Keeper:
    """A gate that finds this."""

    def __init__(self, result: Result | None) -> None:
        self._result: Result | None = result

    def look(self, *_: object, **__: object) -> Look:
        check = WORSE if self._result == "fail" else FINE
        return Look(result=self._result, checks={"errors": check}, samples=200, wanted=100, said=check.said)


def checked(desk: Desk, patch: pytest.MonkeyPatch, result: Result | None, **record: Any) -> checking.Checked:
    delivery = recorded(*record.pop("verdicts", ()), **record).model_dump(mode="json", by_alias=True)
    desk.stack("prod", release={"web": STABLE}, delivery={"web": delivery})

    def keeper(*_: object) -> Keeper:
        return Keeper(result)

    patch.setattr(checking, "keeper", keeper)
    return checking.check(desk.session(), "web", 600, NOON)


def verdicts(desk: Desk) -> tuple[Verdict, ...]:
    return desk.session().delivery("web").verdicts


def test_a_failure_revokes_what_counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(desk, monkeypatch, "fail", verdicts=[verdict(IMAGE)])
    assert (found.result, found.change) == ("fail", "verdict revoked")
    assert [v.revoked.reason for v in verdicts(desk) if v.revoked] == [WORSE.said]


NOW = Revision.of(accepted(ServiceSpec, service(route={"host": "web.example.com"}, release=CANARY)), SlotRelease()).name
"""Of the desk's service."""
BEFORE = verdict(IMAGE, revision="0123456789abcdef")
"""Of a catalogue that has changed since."""


@pytest.mark.parametrize(
    "standing", [(), (revoked(of=IMAGE),), (verdict(IMAGE, ended=NOON - 24 * 8 * HOUR),), (BEFORE,)]
)
def test_a_pass_makes_a_verdict_where_none_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, standing: tuple[Verdict, ...]
) -> None:
    assert checked(desk, monkeypatch, "pass", verdicts=standing).change == "verdict recorded"
    newest = verdicts(desk)[-1]
    assert (newest.image, newest.result, newest.revoked, newest.ended) == (IMAGE, "pass", None, NOON)
    assert newest.content.image == IMAGE


CHANGING_NOTHING: list[tuple[Result | None, dict[str, Any]]] = [
    ("pass", {"verdicts": [verdict(IMAGE, revision=NOW)]}),
    ("pass", {"holds": (held(IMAGE),)}),
    (None, {"verdicts": [verdict(IMAGE)]}),
    ("fail", {}),
]


@pytest.mark.parametrize(("result", "record"), CHANGING_NOTHING)
def test_whatever_changes_no_evidence_leaves_the_record_as_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, result: Result | None, record: dict[str, Any]
) -> None:
    kept = tuple(record.get("verdicts", ()))
    assert checked(desk, monkeypatch, result, **record).change == ""
    assert verdicts(desk) == kept


def test_too_few_requests_are_inconclusive(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked(desk, monkeypatch, None).result == "inconclusive"


def test_a_release_under_way_is_not_checked_beside_its_gate(desk: Desk) -> None:
    desk.begun()
    with pytest.raises(DeliveryError, match="a release is under way, which judges it"):
        checking.check(desk.session(), "web", 600, NOON)


def test_a_check_without_prometheus_says_which_key_names_it(desk: Desk) -> None:
    desk.stack("prod", cluster={"context": "prod"}, release={"web": STABLE})
    with pytest.raises(DeliveryError, match=r"slipway:cluster\.metricsUrl"):
        checking.check(desk.session(), "web", 600, NOON)
