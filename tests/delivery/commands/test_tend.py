"""Releases that nobody drives any more: when they count as left alone, and what becomes of them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from delivery.lock.lease import Seen
from delivery.release import unattended
from delivery.release.service import Service
from delivery.release.unattended import Tended
from delivery.run import driver
from models.delivery import Approval, Run
from tests.delivery.desk import FINE, Desk
from tests.delivery.vouching import NOON
from tests.samples import Config

CANARY: Config = {"strategy": "canary", "steps": [10, 100], "gate": {"traffic": 100}}
QUARTER = timedelta(minutes=15)
BEGUN: dict[str, Any] = {"stage": 1, "stage_began": NOON}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Let it be this late."""
    monkeypatch.setattr(driver, "now", lambda: now)


def tended(service: Service, now: datetime, seen: Seen | None = None) -> Tended:
    return unattended.look(service, driver=None, seen=seen, now=now)


def noted(desk: Desk, **driven: datetime) -> Seen:
    """A Lease that says when services were driven."""
    with desk.stack().exclusive():
        pass
    body = desk.api.leases.one
    body["metadata"]["annotations"]["slipway.dev/driven"] = str(
        {name: at.isoformat() for name, at in driven.items()}
    ).replace("'", '"')
    return Seen(body)


def test_nothing_is_done_before_the_declared_time_and_then_the_release_is_carried_on(desk: Desk) -> None:
    desk.begun(**BEGUN)
    early = tended(desk.service(), NOON + QUARTER - timedelta(seconds=1))
    assert (early.act, early.since) == (None, NOON)
    assert early.said.endswith("for 14 min 59 s; in 1 s slipway tend continues the release")
    assert tended(desk.service(), NOON + QUARTER).act == "resume"


def test_the_entry_says_how_long_and_what_then(desk: Desk) -> None:
    desk.catalogue(release={**CANARY, "unattended": "1h", "whenUnattended": "return"})
    desk.begun(**BEGUN)
    assert tended(desk.service(), NOON + 3 * QUARTER).act is None
    assert tended(desk.service(), NOON + 4 * QUARTER).act == "return"


def test_a_way_back_is_finished_whatever_the_entry_says(desk: Desk) -> None:
    desk.catalogue(release={**CANARY, "whenUnattended": "return"})
    desk.begun(**(BEGUN | {"stage": 0}), kind="back")
    assert tended(desk.service(), NOON + QUARTER).act == "resume"


WAITING: list[tuple[Config, dict[str, Any]]] = [
    ({"steps": [{"weight": 10, "approval": True}, 100]}, {"reached": True, "checks": {"errors": FINE}}),
    ({}, {"manual": True, "reached": True, "checks": {"errors": FINE}}),
]


@pytest.mark.parametrize(("release", "changes"), WAITING)
def test_a_release_that_waits_for_a_person_goes_on_waiting(
    desk: Desk, release: Config, changes: dict[str, Any]
) -> None:
    desk.catalogue(release={**CANARY, "whenUnattended": "return", **release})
    desk.begun(**BEGUN, **changes)
    found = tended(desk.service(), NOON + 1000 * QUARTER)
    assert (found.act, found.said) == (None, "waits for a person")


def test_an_approval_that_was_given_is_waited_for_no_longer(desk: Desk) -> None:
    desk.catalogue(release={**CANARY, "steps": [{"weight": 10, "approval": True}, 100]})
    agreed = Approval(stage=1, reason="fine", by="ann", at=NOON)
    desk.begun(**BEGUN, reached=True, checks={"errors": FINE}, approvals=(agreed,))
    assert tended(desk.service(), NOON + QUARTER).act == "resume"


@pytest.mark.parametrize(("minutes", "act"), [(-1, "resume"), (0, "resume"), (1, None)])
def test_an_old_slot_that_was_warm_long_enough_is_emptied(desk: Desk, minutes: int, act: str | None) -> None:
    desk.begun(**(BEGUN | {"stage": 3}), warm_until=NOON + timedelta(minutes=minutes))
    assert tended(desk.service(), NOON).act == act


def test_a_driver_that_was_seen_later_than_the_stage_began_counts(desk: Desk) -> None:
    """A step may be held for hours, in which the record does not change."""
    desk.begun(**BEGUN)
    seen = noted(desk, web=NOON + 4 * QUARTER)
    assert tended(desk.service(), NOON + 4 * QUARTER + timedelta(minutes=14), seen).act is None
    assert tended(desk.service(), NOON + 5 * QUARTER, seen).act == "resume"


def test_a_driver_of_another_service_is_none_of_this_one(desk: Desk) -> None:
    desk.begun(**BEGUN)
    assert tended(desk.service(), NOON + QUARTER, noted(desk, other=NOON + QUARTER)).act == "resume"


def test_a_driver_says_each_second_that_it_drives(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("delivery.lock.lock.RENEW_SECONDS", 0.001)
    stack = desk.stack()
    with stack.exclusive():
        stack.lock.driving = "web"
        while "slipway.dev/driven" not in desk.api.leases.one["metadata"]["annotations"]:
            pass
    assert '"web"' in desk.api.leases.one["metadata"]["annotations"]["slipway.dev/driven"]


def test_the_command_does_nothing_in_one_line_and_exits_0(desk: Desk) -> None:
    done = desk.slipway("tend", "prod")
    assert (done.code, done.out, done.err) == (0, "prod: nothing to do: web: no release is under way\n", "")
    assert (desk.steps, desk.pulumi.updates) == ([], 0)
    assert desk.slipway("tend", "prod", "--json").json["services"]["web"]["act"] is None


def test_the_command_carries_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.begun(**BEGUN)
    at(monkeypatch, NOON + QUARTER)
    done = desk.slipway("tend", "prod", "--json")
    assert done.code == 0
    assert desk.steps == [None]
    assert done.json["services"]["web"].items() >= {"act": "resume", "result": "promoted"}.items()


def test_the_command_turns_back_without_blame(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.catalogue(release={**CANARY, "whenUnattended": "return"})
    desk.begun(**BEGUN)
    at(monkeypatch, NOON + QUARTER)
    assert desk.slipway("tend", "prod").code == 0
    run = desk.service().record().run
    assert run is not None
    assert (run.kind, run.outcome) == ("back", "aborted")
    assert run.reason.startswith("no driver since 2026-")
    assert desk.service().record().holds == ()


def test_a_release_that_comes_to_wait_for_a_person_is_no_failure_of_a_schedule(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.begun(**BEGUN)
    at(monkeypatch, NOON + QUARTER)
    desk.play = waits
    done = desk.slipway("tend", "prod")
    assert done.code == 0
    assert "waits" in done.out


def waits(service: Service, _: object) -> driver.Outcome:
    run: Run | None = service.record().run
    assert run is not None
    return driver.Outcome(result="waiting", said="waits for approval")


def test_a_stack_that_somebody_drives_is_left_to_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.begun(**BEGUN)
    at(monkeypatch, NOON + QUARTER)
    with desk.stack().exclusive():
        done = desk.slipway("tend", "prod")
    assert done.code == 0
    assert "driven by " in done.out
    assert desk.steps == []


def test_status_says_since_when_nobody_drives_and_changes_nothing(desk: Desk) -> None:
    desk.begun(**BEGUN)
    before = desk.file().read_bytes()
    done = desk.slipway("status", "prod")
    assert "slipway tend continues the release" in " ".join(done.out.split())
    assert desk.file().read_bytes() == before
    assert desk.api.leases.writes == 0
