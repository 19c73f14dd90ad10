"""What each command of `slipway` writes, and what it has the driver do."""

from pathlib import Path

import pytest

from delivery import registry
from delivery.judge.gate import Look
from delivery.release.service import Service
from delivery.run.recheck import Checked
from models.delivery import Result
from tests.delivery import desk as playing
from tests.delivery.desk import FINE, STABLE, WORSE, Desk
from tests.delivery.vouching import NOON, exported, image, past, recorded, verdict
from tests.delivery.vouching import evidence as vouching
from tests.samples import IMAGE, OTHER_IMAGE, Config

RELEASE = ("release", "prod", "web", "--image", OTHER_IMAGE)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_what_is_not_named_stays_as_in_the_live_slot(desk: Desk, tmp_path: Path) -> None:
    desk.catalogue(files={"files": {"vocab.txt": "b"}})
    slot = {"image": IMAGE, "server": {"topK": 5}, "minReplicas": 2}
    desk.declare("prod", release={"web": {"slots": {"blue": slot}}})
    files = tmp_path / "files"
    files.mkdir()
    (files / "labels.txt").write_text("a\n")
    desk.slipway("release", "prod", "web", "--files", str(files), "--server", "queueLimit=32")
    run = desk.service().record().run
    assert run is not None
    assert (run.target.image, run.target.min_replicas) == (IMAGE, None)
    runs = desk.service().revision(run.target)
    assert runs.server is not None
    assert (runs.server.top_k, runs.server.queue_limit) == (5, 32)
    assert runs.files == {"labels.txt": "a\n"}


def test_files_for_a_service_that_mounts_none_are_refused(desk: Desk, tmp_path: Path) -> None:
    desk.declare("prod", release={"web": STABLE})
    (tmp_path / "files").mkdir()
    (tmp_path / "files/labels.txt").write_text("a\n")
    done = desk.slipway("release", "prod", "web", "--files", str(tmp_path / "files"))
    assert done.code == 1
    assert done.err.endswith("the service web has no files; declare files in the entry first\n")
    assert desk.service().record().run is None


def test_the_environment_that_builds_releases_what_its_next_update_builds(desk: Desk) -> None:
    desk.declare("dev", image={"registry": "registry.example.com/ml"})
    assert desk.slipway("release", "dev", "web").code == 0
    run = desk.service("dev").record().run
    assert run is not None
    assert run.target.image is None


def test_an_override_is_recorded_with_who_and_why(desk: Desk) -> None:
    desk.slipway(*RELEASE, "--override", "the site is down")
    run = desk.service().record().run
    assert run is not None
    assert run.override is not None
    assert (run.override.by, run.override.reason, run.override.at) == ("ann", "the site is down", NOON)


def test_a_step_is_one_move_and_resume_is_all_that_is_left(desk: Desk) -> None:
    desk.begun(manual=True)
    assert desk.slipway("step", "prod", "web").code == 0
    assert desk.slipway("resume", "prod", "web").code == 0
    assert desk.steps == [1, None]


@pytest.mark.parametrize(
    ("command", "outcome", "blamed", "played"),
    [("abort", "aborted", False, "aborted"), ("rollback", "rolled back", True, "rolled back")],
)
def test_turning_back_is_written_before_the_driver_goes_and_is_no_error(
    desk: Desk, command: str, outcome: str, played: str, *, blamed: bool
) -> None:
    desk.begun(stage=1)
    desk.play = playing.judged(played, FINE, upto="close")
    done = desk.slipway(command, "prod", "web", "--reason", "wrong model", "--json")
    assert done.code == 0
    assert done.json["exitCode"] == 0
    assert "error" not in done.json
    delivery = desk.service().record()
    assert delivery.run is not None
    assert (delivery.run.kind, delivery.run.outcome, delivery.run.reason) == ("back", outcome, "wrong model")
    assert bool(delivery.holds) == blamed


def test_a_rollback_later_releases_the_version_before_at_once_and_holds_what_it_leaves(desk: Desk) -> None:
    history = (past(image(1)), past(IMAGE))
    delivery = recorded(verdict(IMAGE), history=history).model_dump(mode="json", by_alias=True, exclude_defaults=True)
    desk.declare("prod", release={"web": STABLE}, delivery={"web": delivery})
    assert desk.slipway("rollback", "prod", "web", "--reason", "slow").code == 0
    found = desk.service().record()
    assert found.run is not None
    assert (found.run.express, found.run.target.image) == (True, image(1))
    assert [(hold.image, hold.reason, hold.by) for hold in found.holds] == [(IMAGE, "slow", "ann")]
    assert found.verdicts[-1].revoked is not None


def test_an_approval_is_written_and_the_release_goes_on(desk: Desk) -> None:
    desk.begun(stage=1, reached=True)
    done = desk.slipway("approve", "prod", "web", "--reason", "looked at it", "--json")
    assert done.json["approval"] == {"by": "ann", "reason": "looked at it"}
    run = desk.service().record().run
    assert run is not None
    assert run.approved == {1}
    assert desk.steps == [None]


def test_a_hold_is_written_and_exported_and_let_go_again(desk: Desk) -> None:
    assert desk.slipway("hold", "prod", "web", OTHER_IMAGE, "--reason", "leaks").code == 0
    assert [hold.reason for hold in desk.service().record().holds] == ["leaks"]
    assert desk.slipway("release-hold", "prod", "web", OTHER_IMAGE).code == 0
    assert desk.service().record().holds == ()
    assert desk.pulumi.updates == 2


def test_a_promotion_carries_what_the_source_vouches_for(desk: Desk) -> None:
    desk.declare("staging", release={"web": STABLE})
    vouched = vouching(verdict(), system="shop", service="web")
    desk.pulumi.exports = exported(vouched)
    done = desk.slipway("promote", "staging", "prod", "--json")
    assert done.code == 0, done.err
    assert [(one["stack"], one["service"], one["image"]) for one in done.json["promotions"]] == [
        ("prod", "web", OTHER_IMAGE)
    ]


def test_a_promotion_of_another_digest_than_was_named_is_refused(desk: Desk) -> None:
    desk.declare("staging", release={"web": STABLE})
    desk.pulumi.exports = exported(vouching(verdict(), system="shop", service="web"))
    line = desk.refused("promote", "staging", "prod", "--image", image(7))
    assert "staging web: runs server@sha256:9be19be19be1, not server@sha256:000000000000" in line


def test_a_promotion_resolves_a_tag_as_a_release_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = "registry.example.com/ml/classifier/server:1.2"
    monkeypatch.setattr(registry, "resolved", {tag: OTHER_IMAGE}.__getitem__)
    desk.declare("staging", release={"web": {"slots": {"blue": {"image": OTHER_IMAGE}}}})
    desk.pulumi.exports = exported(vouching(verdict(), system="shop", service="web"))
    done = desk.slipway("promote", "staging", "prod", "--image", tag)
    assert done.code == 0, done.err


def test_a_promotion_of_what_is_no_digest_is_refused(desk: Desk) -> None:
    desk.declare("staging", release={"web": STABLE})
    assert "because a tag can change" in desk.refused("promote", "staging", "prod", "--image", "web:1")


@pytest.fixture
def vouched(desk: Desk) -> Desk:
    """Staging vouches for what prod does not run yet, on neither of its clusters."""
    desk.declare("staging", release={"web": STABLE})
    for name in ("prod-eu", "prod-us"):
        desk.declare(name, "prod", release={"web": STABLE})
    desk.pulumi.exports = exported(vouching(verdict(), system="shop", service="web"))
    return desk


def test_a_promotion_goes_on_to_the_next_target_when_one_is_done(vouched: Desk) -> None:
    done = vouched.slipway("promote", "staging", "prod-eu", "prod-us", "--json")
    assert done.code == 0
    ended = [(one["stack"], one["service"], one["result"]) for one in done.json["promotions"]]
    assert ended == [("prod-eu", "web", "promoted"), ("prod-us", "web", "promoted")]
    assert "untouched" not in done.json


def test_the_first_target_that_is_not_promoted_ends_a_promotion(vouched: Desk) -> None:
    desk = vouched
    desk.play = playing.judged("rolled back", WORSE)
    done = desk.slipway("promote", "staging", "prod-eu", "prod-us", "--json")
    assert done.code == 3
    assert [one["stack"] for one in done.json["promotions"]] == ["prod-eu"]
    assert done.json["untouched"] == [{"stack": "prod-us", "service": "web"}]
    assert done.line.endswith("; not started: prod-us web")
    assert desk.service("prod-us").record().run is None


def test_a_plan_says_pods_peak_samples_and_time_and_writes_nothing(desk: Desk) -> None:
    before = desk.file().read_bytes()
    document = desk.slipway("plan", "prod", "web", "--json").json
    first = document["stages"][1]
    assert (first["stage"], first["judged"], first["requestsWanted"]) == ("step 10 %", True, 1826)
    assert first["expectedSeconds"] == 183  # 1826 requests at a tenth of 100 per second
    assert document["podsNow"] == 2
    assert document["peak"]["podsAboveNow"] == 2
    assert desk.file().read_bytes() == before
    assert "peak: 4 pods at" in desk.slipway("plan", "prod", "web").out


def test_a_plan_warns_of_traffic_that_is_too_little_for_a_verdict(desk: Desk) -> None:
    desk.catalogue(release={**playing.CANARY, "gate": {"traffic": 1, "deadline": "10m"}})
    done = desk.slipway("plan", "prod", "web")
    assert "step 10 %: needs 5 h 4 min at the declared traffic, but the deadline is 10 min" in done.out
    assert desk.slipway("plan", "prod", "web", "--json").json["stages"][1]["starved"] is True


@pytest.mark.parametrize(("result", "code"), [("pass", 0), ("fail", 3), ("inconclusive", 4)])
def test_a_check_tells_its_verdict_and_exports_what_it_changed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, result: Result, code: int
) -> None:
    look = Look(result="pass", checks={"errors": FINE}, samples=200, wanted=100, said="errors 1.00 %")
    change = "verdict revoked" if result == "fail" else ""

    def check(service: Service, *_: object) -> Checked:
        return Checked(
            service=service.name, slot="blue", image=IMAGE, config="0" * 16, result=result, look=look, change=change
        )

    monkeypatch.setattr("delivery.run.recheck.check", check)
    done = desk.slipway("check", "prod", "--json")
    assert done.code == code
    assert done.json["services"]["web"]["result"] == result
    assert desk.pulumi.updates == (1 if change else 0)


def test_a_tag_is_refused_before_pulumi_is_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def outputs() -> Config:
        raise AssertionError("Pulumi was asked")

    monkeypatch.setattr(desk.pulumi, "outputs", outputs)
    assert "because a tag can change" in desk.refused("plan", "prod", "web", "--image", "web:1")
