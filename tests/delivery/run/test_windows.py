"""Requests of a stage count once, and its time is the record's, however often somebody looks, resumes or approves."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from delivery.judge import gate, webhook
from delivery.release import records
from delivery.run import driver
from models.delivery import Arm, CheckResult, Run
from tests.delivery.users import Killed
from tests.delivery.world import CANARY, GATE, SERVICE, STACK, TARGET, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config

AGREED: Config = CANARY | {"steps": [{"weight": 20, "approval": True}, 100]}
HOOK: Config = {"webhook": {"url": "http://checks.example.com"}}

pytestmark = pytest.mark.usefixtures("at_once")


def run(given: World) -> Run:
    found = given.service.record().run
    assert found is not None
    return found


def later(given: World, seconds: float) -> None:
    """Let the record be so old, as if nobody had been there since."""
    past = timedelta(seconds=seconds)
    windows = [
        window.model_copy(update={"began": window.began - past, "passed": window.passed and window.passed - past})
        for window in run(given).windows
    ]
    records.note(given.service, windows=tuple(windows), stage_began=run(given).stage_began - past)
    given.prometheus.aged(seconds)


def approve(given: World) -> driver.Outcome:
    records.approve(given.service, reason="fine", by="me", now=driver.now())
    return given.go()


def test_resuming_while_somebody_is_waited_for_counts_nothing_again(tmp_path: Path) -> None:
    given = world(tmp_path, AGREED)
    assert given.released().result == "waiting"
    window, baseline = run(given).windows, run(given).baseline
    for _ in range(5):
        assert given.go().result == "waiting"
    assert (run(given).windows, run(given).baseline) == (window, baseline)
    assert baseline["errors"].total > 0


def test_the_baseline_is_what_the_live_slot_really_answered_in_the_windows(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"steps": [10, 20, {"weight": 100, "approval": True}]})
    assert given.released().result == "waiting"
    first, second, _ = (one for one in run(given).windows)
    assert first.passed is not None
    assert second.passed is not None
    most = sum(
        given.prometheus.traffic * share * (end.timestamp() + 1 - window.began.timestamp())
        for window, end, share in ((first, first.passed, 0.9), (second, second.passed, 0.8))
    )
    assert 0 < run(given).baseline["errors"].total <= most


def test_a_window_goes_on_where_it_began_when_its_driver_was_killed(tmp_path: Path) -> None:
    """Killed at its first look: what users got since then is judged, and not only what they get now."""
    given = world(tmp_path)
    given.prometheus.killed_at = 1
    with pytest.raises(Killed):
        given.released()
    (window,) = run(given).windows
    given.prometheus.turns_bad(OTHER_IMAGE, 0.5)
    found: list[float] = []
    counts = given.prometheus.counts

    def counting(target: Any, since: float, *rest: Any) -> Any:
        found.append(since)
        return counts(target, since, *rest)

    given.stack.__dict__["metrics"].counts = counting
    assert given.go().result == "rolled back"
    assert set(found) == {window.began.timestamp()}


@pytest.mark.parametrize("silent", [0, 1, 3])
def test_after_a_late_approval_there_is_time_for_a_verdict(
    tmp_path: Path, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.run.stage_judge._LEAST_SECONDS", 0)
    given = world(tmp_path, CANARY | {"approval": True})
    assert given.released().result == "waiting"
    later(given, 3600)
    given.prometheus.silent = silent
    assert approve(given).result == "promoted"


def test_an_approval_does_not_promote_what_has_turned_bad_since(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"approval": True})
    assert given.released().result == "waiting"
    later(given, 3600)
    given.prometheus.shares = {OTHER_IMAGE: 0.2}
    assert approve(given).result == "rolled back"


@pytest.mark.slow  # waits for a real deadline
def test_an_approval_while_nobody_can_look_promotes_nothing(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"approval": True})
    assert given.released().result == "waiting"
    given.prometheus.silent = 1_000_000
    outcome = approve(given)
    assert (outcome.result, given.service.record().holds) == ("inconclusive", ())
    assert "metrics source" in outcome.said


@pytest.mark.parametrize("silent", [0, 1, 3])
def test_a_driver_that_comes_back_after_the_deadline_looks_before_it_gives_up(tmp_path: Path, silent: int) -> None:
    given = world(tmp_path)
    given.prometheus.killed_at = 1
    with pytest.raises(Killed):
        given.released()
    later(given, 3600)
    given.prometheus.silent = silent
    assert given.go().result == "promoted"


def test_who_resumes_a_starved_release_does_not_give_it_a_new_deadline(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"gate": {"errors": {"margin": 1}, "deadline": "10m"}})
    given.prometheus.traffic = 3  # 2,160 to the new slot in an hour: enough, were that to count
    given.prometheus.killed_at = 1
    with pytest.raises(Killed):
        given.released()
    later(given, 3600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("delivery.run.stage_judge._LEAST_SECONDS", 0.1)
        outcome = given.go()
    assert outcome.result == "inconclusive"
    assert "no verdict within 600 s: " in outcome.said
    assert ": 360 " in outcome.said


def asked(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[Mapping[str, Any]]:
    """Let a server answer the webhook so, one after another and the last for ever; return the bodies that it gets."""
    sent: list[Mapping[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        said = answers[min(len(sent), len(answers) - 1)]
        sent.append(json.loads(request.content))
        return httpx.Response({"pass": 200, "fail": 422, "inconclusive": 503}[said], text=said)

    monkeypatch.setattr(webhook, "ask", partial(webhook.ask, transport=httpx.MockTransport(answer)))
    monkeypatch.setattr(gate, "_BETWEEN_ASKS", 0.01)
    return sent


def held(weight: int = 20) -> Config:
    steps = [{"weight": weight, "hold": "1s", "approval": True}, 100]
    return CANARY | {"steps": steps, "gate": GATE | HOOK | {"deadline": "5s"}}


@pytest.mark.slow  # waits for a real deadline
def test_a_webhook_that_has_passed_is_not_asked_again_at_its_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = asked(monkeypatch, "inconclusive", "pass")
    given = world(tmp_path, held())
    assert given.released().result == "waiting"
    assert len(sent) == 2
    assert given.go().result == "waiting"
    assert approve(given).result == "promoted"
    assert [body["weight"] for body in sent] == [20, 20, 100]
    assert {(body["stack"], body["service"], body["release"]["image"]) for body in sent} == {
        (STACK, SERVICE, TARGET.image)
    }


@pytest.mark.slow  # waits for a real deadline
def test_a_webhooks_pass_outlives_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = asked(monkeypatch, "pass")
    given = world(tmp_path, held())
    given.prometheus.killed_at = 20
    with pytest.raises(Killed):
        given.released()
    assert len(sent) == 1
    (window,) = run(given).windows
    assert (window.passed, window.webhook) == (None, CheckResult(result="pass", said="webhook: 200 pass"))
    assert given.go().result == "waiting"
    assert len(sent) == 1
    assert run(given).checks["webhook"].result == "pass"


def test_a_record_of_a_program_without_windows_is_resumed(tmp_path: Path) -> None:
    """It had counted the live slot's requests once more at each look: they are counted anew."""
    given = world(tmp_path, AGREED)
    assert given.released().result == "waiting"
    doubled = {"errors": Arm(bad=0, total=10**9)}
    records.note(given.service, windows=(), baseline=doubled)
    later(given, 60)
    assert given.go().result == "waiting"
    assert 0 < run(given).baseline["errors"].total < 10**9
    assert approve(given).result == "promoted"


@pytest.mark.parametrize("gate_", [{"errors": None}, {"errors": None, "latency": None}])
@pytest.mark.parametrize("strategy", ["rolling", "blueGreen", "canary"])
def test_a_release_that_nothing_judges_leaves_a_verdict_that_says_so(
    tmp_path: Path, strategy: str, gate_: Config
) -> None:
    given = world(tmp_path, {"strategy": strategy, "gate": gate_} | ({} if strategy == "rolling" else {"warm": "0s"}))
    given.prometheus.traffic = 0 if strategy == "rolling" else given.prometheus.traffic
    assert given.released().result == "promoted"
    (found,) = given.service.record().verdicts
    assert (found.result, found.checks) == ("unjudged", {})


@pytest.mark.slow  # waits for a real deadline
def test_what_somebody_chose_without_any_request_has_no_verdict_that_passes(tmp_path: Path) -> None:
    """A/B at 100 %: a person decides, whatever the gate found."""
    given = world(tmp_path, {"strategy": "ab", "weight": 100, "warm": "0s", "gate": GATE})
    given.prometheus.traffic = 0
    assert given.released().result == "waiting"
    assert approve(given).result == "promoted"
    (found,) = given.service.record().verdicts
    assert (found.image, found.result) == (OTHER_IMAGE, "inconclusive")
    assert given.prometheus.newest is not None
    assert given.release.slots[given.release.live].image != IMAGE
