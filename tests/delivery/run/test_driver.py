"""A release from its record to its end: what is declared when, and what is left after every way of ending."""

from pathlib import Path

import pytest

from delivery.errors import Refused, Unchanged, UpdateFailed
from delivery.release import records
from delivery.run import driver
from models.delivery import Override
from models.release import ServiceRelease
from tests.delivery.world import CANARY, GATE, SERVICE, STACK, TARGET, Killed, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config

BLUE_GREEN: Config = {"strategy": "blueGreen", "warm": "0s", "gate": GATE}
ROLLING: Config = {"strategy": "rolling", "gate": GATE}
SIDE_BY_SIDE: Config = {"strategy": "ab", "warm": "0s", "gate": GATE}
UPDATES = 8
"""More than a good canary of two steps takes."""

pytestmark = pytest.mark.usefixtures("at_once")


def assert_promoted(given: World) -> None:
    """The new version is live and alone, with evidence, and no run is left."""
    record = given.service.record()
    assert [content.image for content in given.release.slots.values()] == [OTHER_IMAGE]
    assert (given.release.weight, record.run, record.holds) == (0, None, ())
    assert [past.outcome for past in record.history] == ["promoted"]
    assert [(v.result, v.image, v.stack) for v in record.verdicts] == [("pass", OTHER_IMAGE, STACK)]
    assert given.engine.declared[-1] == given.release


def assert_back(given: World, outcome: str, *, held: bool) -> None:
    """What ran before is declared again, pinned."""
    record = given.service.record()
    blue = {"image": IMAGE, "revision": given.revision}
    assert given.file["slipway:release"][SERVICE] == {"live": "blue", "weight": 0, "slots": {"blue": blue}}
    assert [past.outcome for past in record.history] == [outcome]
    assert [hold.image for hold in record.holds] == ([OTHER_IMAGE] if held else [])
    assert given.engine.declared[-1] == given.release


def test_who_went_past_missing_evidence_stays_in_the_verdict_and_in_the_history(canary: World) -> None:
    went_past = Override(reason="the site is down", by="ann", at=driver.now())
    assert canary.released(override=went_past).result == "promoted"
    record = canary.service.record()
    assert [v.override for v in record.verdicts] == [went_past]
    assert [past.override for past in record.history] == [went_past]


def test_a_good_canary_declares_every_step_and_ends_with_evidence(canary: World) -> None:
    outcome = canary.released()
    assert (outcome.result, outcome.exit_code) == ("promoted", 0)
    seen = [(release.live, release.weight, tuple(release.slots)) for release in canary.engine.declared]
    both, green = ("blue", "green"), ("green",)
    assert [*dict.fromkeys(seen)] == [
        ("blue", 0, both), ("blue", 20, both), ("blue", 100, both), ("green", 0, both), ("green", 0, green)
    ]  # fmt: skip
    assert canary.cluster.weights == [20, 100]
    assert_promoted(canary)
    assert (canary.stack.project / f"Pulumi.{STACK}.yaml").read_text().startswith("# kept\n")


def test_a_bad_one_loses_its_traffic_before_the_next_update_and_is_held(canary: World) -> None:
    canary.prometheus.bad = 0.2
    outcome = canary.released()
    assert (outcome.result, outcome.exit_code) == ("rolled back", 3)
    assert "errors 20 %" in outcome.said
    assert canary.cluster.weights[0] == 20
    assert set(canary.cluster.weights[1:]) == {0}
    assert max(release.weight for release in canary.engine.declared) == 20
    assert_back(canary, "rolled back", held=True)
    assert [v.result for v in canary.service.record().verdicts] == ["fail"]
    with pytest.raises(Refused, match="is held"):
        canary.begin()


@pytest.mark.slow  # waits for a real deadline
def test_without_traffic_it_goes_back_and_nobody_is_blamed(canary: World) -> None:
    canary.prometheus.traffic = 0
    outcome = canary.released()
    assert (outcome.result, outcome.exit_code) == ("inconclusive", 4)
    assert_back(canary, "inconclusive", held=False)
    assert canary.service.record().verdicts == ()


@pytest.mark.parametrize("update", range(1, UPDATES))
def test_a_driver_killed_during_any_update_is_resumed_to_the_same_end(tmp_path: Path, update: int) -> None:
    given = world(tmp_path)
    given.engine.killed_at = update
    given.begin()
    try:
        given.go()
    except Killed:
        assert given.go().result in ("promoted", "done")
    assert_promoted(given)


@pytest.mark.parametrize("update", range(1, UPDATES))
def test_a_driver_killed_on_the_way_back_is_resumed_to_the_same_end(tmp_path: Path, update: int) -> None:
    given = world(tmp_path)
    given.engine.killed_at, given.prometheus.bad = update, 0.2
    given.begin()
    try:
        given.go()
    except Killed:
        assert given.go().result in ("rolled back", "done")
    assert_back(given, "rolled back", held=True)


@pytest.mark.parametrize("update", range(1, 4))
def test_a_killed_release_can_be_aborted_wherever_it_was(tmp_path: Path, update: int) -> None:
    given = world(tmp_path)
    given.engine.killed_at = update
    given.begin()
    with pytest.raises(Killed):
        given.go()
    driver.turn_back(given.service, "aborted", "nobody wants it")
    assert given.go().exit_code == 0
    assert_back(given, "aborted", held=False)


def test_the_record_is_written_before_each_update(canary: World) -> None:
    canary.released()
    stages = canary.engine.stages
    assert stages == [*(f"forward {number}" for number in range(len(stages) - 1)), "none"]
    assert len(stages) > 5


def test_pods_that_do_not_get_ready_are_the_versions_fault(canary: World) -> None:
    canary.engine.fails = {"forward 0": "pod web-green-x: container server: CrashLoopBackOff"}
    outcome = canary.released()
    assert outcome.result == "rolled back"
    assert "CrashLoopBackOff" in outcome.said
    assert canary.cluster.weights == [0] * len(canary.cluster.weights)
    assert_back(canary, "rolled back", held=True)


def test_broken_pods_do_not_hold_up_the_way_back(canary: World) -> None:
    """The first update of the way back still declares the broken slot, and waits for it in vain."""
    broken = "pod web-green-x: container server: CrashLoopBackOff"
    canary.engine.fails = {"forward 1": broken, "back 0": broken}
    assert canary.released().result == "rolled back"
    assert canary.cluster.weights[-1] == 0
    assert_back(canary, "rolled back", held=True)


def test_an_update_that_fails_for_another_reason_is_told_and_can_be_resumed(canary: World) -> None:
    canary.engine.fails = {"forward 1": "pod web-blue-x: evicted"}
    with pytest.raises(UpdateFailed, match="evicted"):
        canary.released()
    run = canary.service.record().run
    assert run is not None
    assert (run.kind, run.stage) == ("forward", 1)
    canary.engine.fails = {}
    assert canary.go().result == "promoted"
    assert_promoted(canary)


def test_a_manual_release_moves_when_it_is_told_to(canary: World) -> None:
    assert canary.released(manual=True).exit_code == 5
    assert canary.release.weight == 0
    for weight in (20, 100):
        outcome = canary.go(steps=1)
        assert outcome.result == "waiting"
        assert outcome.said.endswith("next: slipway step prod web | slipway abort prod web")
        assert canary.release.weight == weight
    assert canary.go(steps=1).result == "promoted"
    assert_promoted(canary)


def test_a_manual_step_is_judged_before_anybody_asks_for_the_next(canary: World) -> None:
    canary.released(manual=True)
    canary.prometheus.bad = 0.2
    assert canary.go(steps=1).result == "rolled back"
    assert_back(canary, "rolled back", held=True)


def test_a_step_that_is_already_reached_is_not_updated_again(canary: World) -> None:
    canary.released(manual=True)
    before = len(canary.engine.declared)
    canary.go(steps=1)
    assert [release.weight for release in canary.engine.declared[before:]] == [20]


def test_approval_is_waited_for_and_then_gone_on_from(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"approval": True})
    outcome = given.released()
    assert (outcome.result, given.release.weight) == ("waiting", 100)
    assert "slipway approve" in outcome.said
    records.approve(given.service, reason="fine", by="me", now=driver.now())
    assert given.go().result == "promoted"
    assert_promoted(given)


def test_a_newer_release_supersedes_and_the_fallback_is_the_last_stable(canary: World) -> None:
    canary.released(manual=True)
    newer = TARGET.model_copy(update={"image": OTHER_IMAGE[:-1] + "0"})
    canary.begin(newer, manual=True)
    record = canary.service.record()
    assert [past.outcome for past in record.history] == ["superseded"]
    assert record.run is not None
    assert record.run.stable == ServiceRelease.model_validate(
        {"slots": {"blue": {"image": IMAGE, "revision": canary.revision}}}
    )


def test_while_the_old_slot_is_warm_it_takes_all_requests_back_at_once(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"warm": "1h"})
    outcome = given.released()
    assert outcome.result == "promoted"
    assert "kept warm" in outcome.said
    assert (given.release.live, len(given.release.slots)) == ("green", 2)
    given.cluster.weights.clear()
    updates = len(given.engine.declared)
    driver.turn_back(given.service, "rolled back", "users complain", blame=True)
    given.go()
    assert given.cluster.weights[0] == 100
    reopened, returned = given.engine.declared[updates : updates + 2]
    assert (reopened.live, reopened.weight, returned.live, returned.weight) == ("green", 100, "blue", 0)
    assert_back(given, "rolled back", held=True)
    assert given.service.record().verdicts[0].revoked is not None


def test_blue_green_switches_once(tmp_path: Path) -> None:
    given = world(tmp_path, BLUE_GREEN)
    given.released()
    assert given.cluster.weights == [100]
    assert_promoted(given)


def test_both_sides_of_a_comparison_stay_until_somebody_decides(tmp_path: Path) -> None:
    given = world(tmp_path, SIDE_BY_SIDE)
    assert given.released().exit_code == 5
    assert (given.release.weight, len(given.release.slots)) == (50, 2)
    assert given.go().exit_code == 5, "to resume is not to decide"
    records.approve(given.service, reason="green is better", by="me", now=driver.now())
    assert given.go().result == "promoted"
    assert_promoted(given)


@pytest.mark.parametrize(("bad", "result"), [(0.0, "promoted"), (0.2, "rolled back")])
def test_rolling_replaces_the_live_slot_in_place_and_back(tmp_path: Path, bad: float, result: str) -> None:
    given = world(tmp_path, ROLLING)
    given.prometheus.bad = bad
    assert given.released().result == result
    assert all(tuple(release.slots) == ("blue",) for release in given.engine.declared)
    if bad:
        assert_back(given, "rolled back", held=True)
    else:
        assert_promoted(given)


def test_the_first_deployment_of_an_environment_is_judged_by_itself(tmp_path: Path) -> None:
    given = world(tmp_path, deployed=False)
    assert given.released().result == "promoted"
    assert_promoted(given)


def test_what_is_live_already_is_not_released_again(canary: World) -> None:
    text = (canary.stack.project / f"Pulumi.{STACK}.yaml").read_text()
    with pytest.raises(Unchanged, match="exactly this"):
        canary.begin(TARGET.model_copy(update={"image": IMAGE}))
    assert (canary.stack.project / f"Pulumi.{STACK}.yaml").read_text() == text
