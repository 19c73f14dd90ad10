"""`slipway check`: what a later look at the live slot does to the evidence, with the gate that judges releases."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from delivery.errors import DeliveryError
from delivery.release import records
from delivery.run import driver, recheck
from models.delivery import Verdict
from tests.delivery.vouching import held, recorded, revoked, verdict
from tests.delivery.world import CANARY, GATE, STACK, TARGET, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config

STRATEGIES: list[Config] = [
    {"strategy": "rolling", "gate": GATE},
    {"strategy": "blueGreen", "warm": "0s", "gate": GATE},
    CANARY,
    {"strategy": "ab", "warm": "0s", "gate": GATE},
]
WINDOW = 600
OTHER_CATALOGUE = "0123456789abcdef"

pytestmark = pytest.mark.usefixtures("at_once")
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: str(strategy["strategy"]))


def checked(given: World) -> recheck.Checked:
    return recheck.check(given.service, WINDOW, driver.now())


def record(given: World, *, verdicts: Sequence[Verdict] = (), **changes: Any) -> None:
    """Write a record; its verdicts speak of this entry, unless they say that they do not."""
    found = [v if v.revision else v.model_copy(update={"revision": given.revision}) for v in verdicts]
    given.service.write(given.release, recorded(*found, **changes))


def verdicts(given: World) -> tuple[Verdict, ...]:
    return given.service.record().verdicts


def promoted(given: World) -> World:
    """Release the other image to the end."""
    if given.released().result == "waiting":
        records.approve(given.service, reason="better", by="me", now=driver.now())
        assert given.go().result == "promoted"
    assert given.release.slots[given.release.live].image == OTHER_IMAGE
    given.prometheus.aged(1)  # the record's seconds are whole: within its last one both versions answered
    return given


def recent(of: str = IMAGE, **changes: Any) -> Verdict:
    """A verdict that counts now."""
    now = driver.now()
    return verdict(of, began=now - timedelta(hours=2), ended=now - timedelta(hours=1), **changes)


def file(given: World) -> bytes:
    return (given.stack.project / f"Pulumi.{STACK}.yaml").read_bytes()


@each_strategy
def test_without_any_request_nothing_is_known_and_nothing_is_written(tmp_path: Path, strategy: Config) -> None:
    given = world(tmp_path, strategy)
    given.prometheus.traffic = 0
    record(given, verdicts=[recent()])
    before = file(given)
    found = checked(given)
    assert (found.result, found.change) == ("inconclusive", "")
    assert "no requests to the new slot" in found.look.said
    assert file(given) == before


@each_strategy
def test_a_live_slot_that_answers_only_500_fails_and_loses_its_evidence(tmp_path: Path, strategy: Config) -> None:
    given = promoted(world(tmp_path, strategy))
    assert [v.result for v in verdicts(given)] == ["pass"]
    given.prometheus.bad = 1.0
    found = checked(given)
    assert (found.result, found.change) == ("fail", "verdict revoked")
    assert [v.revoked.reason for v in verdicts(given) if v.revoked] == [found.look.said]


@each_strategy
def test_without_evidence_the_live_slot_is_judged_by_itself(tmp_path: Path, strategy: Config) -> None:
    given = world(tmp_path, strategy)
    found = checked(given)
    assert (found.result, found.change) == ("pass", "verdict recorded")
    assert "without a baseline, limit 1 %" in found.look.said
    given.prometheus.bad = 1.0
    assert checked(given).result == "fail"


@each_strategy
def test_the_yardstick_is_that_of_the_verdict(tmp_path: Path, strategy: Config) -> None:
    """The service always answered 2 % with an error; margin 1 point. That it was promoted with is no later failure."""
    given = world(tmp_path, strategy)
    given.prometheus.shares = {IMAGE: 0.02, OTHER_IMAGE: 0.02}
    found = checked(promoted(given))
    assert (found.result, found.change) == ("pass", "")
    assert "against 2 %" in found.look.said
    given.prometheus.shares[OTHER_IMAGE] = 0.04
    assert checked(given).change == "verdict revoked"
    given.prometheus.shares[OTHER_IMAGE] = 0.02
    assert checked(given).change == "verdict recorded", "repaired, and compared with the same again"


@each_strategy
def test_a_version_that_replaced_a_broken_one_is_not_allowed_to_break(tmp_path: Path, strategy: Config) -> None:
    """Its verdict compared it with a live slot that answered nothing but 500s."""
    given = world(tmp_path, strategy)
    given.prometheus.shares = {IMAGE: 1.0, OTHER_IMAGE: 0.0}
    found = checked(promoted(given))
    assert (found.result, found.change) == ("pass", "")
    given.prometheus.shares[OTHER_IMAGE] = 1.0
    broken = checked(given)
    assert (broken.result, broken.change) == ("fail", "verdict revoked")
    assert "against 0 %" in broken.look.said


def test_a_verdict_that_is_renewed_keeps_the_yardstick(tmp_path: Path) -> None:
    given = world(tmp_path)
    given.prometheus.shares = {IMAGE: 0.02, OTHER_IMAGE: 0.023}
    promoted(given)
    (first,) = verdicts(given)
    stale = first.model_copy(update={"revision": OTHER_CATALOGUE})
    record(given, verdicts=[stale])
    assert checked(given).change == "verdict recorded"
    assert verdicts(given)[-1].checks["errors"].live == first.checks["errors"].live


def test_what_the_version_before_answered_is_not_this_ones_fault(tmp_path: Path) -> None:
    """A roll in place: both versions answered under the name of the same slot, one of them within the window."""
    given = world(tmp_path, STRATEGIES[0])
    given.prometheus.shares = {IMAGE: 0.5}
    assert checked(promoted(given)).result == "pass"


def test_an_old_slot_that_is_kept_warm_does_not_lengthen_the_window(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"warm": "1h"})
    promoted(given)
    run = given.service.record().run
    assert run is not None
    assert run.promoted is not None
    since = run.promoted.timestamp()
    found: list[float] = []
    counts = given.prometheus.counts

    def counting(target: Any, began: float, *rest: Any) -> Any:
        found.append(began)
        return counts(target, began, *rest)

    given.stack.__dict__["metrics"].counts = counting
    assert checked(given).result == "pass"
    assert found == [since]


def test_an_entry_that_judges_nothing_is_told_so_and_gets_no_verdict(tmp_path: Path) -> None:
    given = world(tmp_path, {"strategy": "rolling", "gate": {"errors": None}})
    before = file(given)
    found = checked(given)
    assert (found.result, found.change, found.look.said) == (
        "inconclusive", "", "nothing is judged: release.gate of the entry names no criterion"
    )  # fmt: skip
    assert file(given) == before


LONG_AGO = driver.now() - timedelta(days=8)


@pytest.mark.parametrize(
    "standing",
    [
        (),
        (revoked(of=IMAGE),),
        (verdict(IMAGE, ended=LONG_AGO),),
        (recent(revision=OTHER_CATALOGUE),),
        (recent(checks={}),),
        (recent(checks={}, result="unjudged"),),
    ],
    ids=["none", "revoked", "stale", "of another catalogue", "of nothing", "unjudged"],
)
def test_a_pass_makes_a_verdict_where_none_counts(tmp_path: Path, standing: tuple[Verdict, ...]) -> None:
    given = world(tmp_path)
    record(given, verdicts=standing)
    assert checked(given).change == "verdict recorded"
    newest = verdicts(given)[-1]
    assert (newest.image, newest.result, newest.revoked) == (IMAGE, "pass", None)
    assert newest.content.image == IMAGE
    assert newest.checks["errors"].candidate is not None


@pytest.mark.parametrize(
    ("bad", "result", "kept"),
    [(0.0, "pass", {"verdicts": [recent()]}), (0.0, "pass", {"holds": (held(IMAGE),)}), (1.0, "fail", {})],
)
def test_whatever_changes_no_evidence_leaves_the_record_as_it_is(
    tmp_path: Path, bad: float, result: str, kept: dict[str, Any]
) -> None:
    given = world(tmp_path)
    given.prometheus.bad = bad
    record(given, **kept)
    before = file(given)
    found = checked(given)
    assert (found.result, found.change, file(given)) == (result, "", before)


def test_a_release_under_way_is_not_checked_beside_its_gate(canary: World) -> None:
    canary.begin(TARGET)
    with pytest.raises(DeliveryError, match="a release is under way and judges the service"):
        checked(canary)


def test_a_check_without_prometheus_says_which_key_names_it(canary: World) -> None:
    canary.stack.__dict__["metrics"] = None
    with pytest.raises(DeliveryError, match=r"slipway:cluster\.metricsUrl"):
        checked(canary)


def test_a_verdict_of_before_there_were_revisions_is_renewed(tmp_path: Path) -> None:
    given = world(tmp_path)
    given.service.write(given.release, recorded(recent()))
    assert checked(given).change == "verdict recorded"
    assert verdicts(given)[-1].revision == given.revision
