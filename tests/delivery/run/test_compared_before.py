"""Rolling and blue-green releases are compared with the time before them, whether or not their driver was killed."""

from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from delivery.release import records
from delivery.run import driver
from delivery.run.driver import Outcome
from models.delivery import Arm
from tests.delivery.users import Killed
from tests.delivery.world import GATE, TARGET, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config

ROLLING: Config = {"strategy": "rolling", "gate": GATE}
BLUE_GREEN: Config = {"strategy": "blueGreen", "warm": "0s", "gate": GATE}
AT_ONCE: Config = {"strategy": "canary", "steps": [100], "warm": "0s", "gate": GATE}
BOTH = pytest.mark.parametrize("strategy", [ROLLING, BLUE_GREEN, AT_ONCE], ids=["rolling", "blueGreen", "one step"])
KILLS = range(4)
FIXED = TARGET.model_copy(update={"image": OTHER_IMAGE[:-1] + "0"})

pytestmark = [pytest.mark.usefixtures("at_once"), pytest.mark.slow]


def released(given: World, update: int = 0) -> Outcome:
    """Release; where the driver is killed after an update, resume."""
    given.engine.killed_after = update
    given.begin()
    with suppress(Killed):
        return given.go()
    outcome = given.go()
    ended = given.service.record().history[-1]
    return Outcome(result=ended.outcome, said=f"{ended.reason} {outcome.said}")


def against(given: World) -> Arm | None:
    """What the verdict says that it was compared with."""
    return given.service.record().verdicts[-1].checks["errors"].live


@BOTH
@pytest.mark.parametrize("update", KILLS)
def test_as_good_as_before_is_good_enough(tmp_path: Path, strategy: Config, update: int) -> None:
    """The service always answered 2 % of its requests with a 5xx; so does the new version. Margin 1 point."""
    given = world(tmp_path, strategy)
    given.prometheus.shares = {IMAGE: 0.02, OTHER_IMAGE: 0.02}
    assert released(given, update).result == "promoted"
    found = against(given)
    assert found is not None
    assert (found.bad, found.total) == (pytest.approx(0.02 * found.total), 60 * given.prometheus.traffic)


@BOTH
@pytest.mark.parametrize("update", KILLS)
def test_worse_than_before_is_not(tmp_path: Path, strategy: Config, update: int) -> None:
    given = world(tmp_path, strategy)
    given.prometheus.shares = {IMAGE: 0.02, OTHER_IMAGE: 0.04}
    outcome = released(given, update)
    assert outcome.result == "rolled back"
    assert "errors 4 % against 2 %, limit +1" in outcome.said


@BOTH
@pytest.mark.parametrize("rate", [0, 0.01, 0.1, 1, 5, 10, 15, 20, 30])
@pytest.mark.parametrize("update", [0, 1])
def test_little_traffic_before_is_no_reason_to_wait_for_more(
    tmp_path: Path, strategy: Config, rate: float, update: int
) -> None:
    given = world(tmp_path, strategy)
    given.prometheus.earlier = rate
    assert released(given, update).result == "promoted"


@pytest.mark.parametrize("update", [0, 1])
def test_before_a_first_deployment_there_was_nothing(tmp_path: Path, update: int) -> None:
    given = world(tmp_path, deployed=False)
    assert released(given, update).result == "promoted"
    assert against(given) is None


@BOTH
def test_a_metrics_source_that_is_silent_is_not_a_service_that_nobody_asked(tmp_path: Path, strategy: Config) -> None:
    """The first questions are those about the time before: without an answer the version would be judged by itself."""
    given = world(tmp_path, strategy)
    given.prometheus.shares, given.prometheus.silent = {IMAGE: 0.02, OTHER_IMAGE: 0.02}, 2
    assert released(given).result == "promoted"


@BOTH
def test_few_requests_of_a_bad_version_before_do_not_condemn_a_better_one(tmp_path: Path, strategy: Config) -> None:
    """100 requests in the hour before, half of them errors: too few to compare with, and a reason not to blame."""
    given = world(tmp_path, strategy)
    given.prometheus.earlier, given.prometheus.shares = 100 / 3600, {IMAGE: 0.5, OTHER_IMAGE: 0.1}
    assert released(given).result == "inconclusive"
    assert given.service.record().holds == ()


def test_a_bad_version_that_went_back_is_not_what_its_repair_is_compared_with(tmp_path: Path) -> None:
    """A roll in place answers under the slot's name: the last minute before the repair was the bad version's."""
    given = world(tmp_path, ROLLING)
    given.prometheus.shares = {IMAGE: 0.0, OTHER_IMAGE: 0.5, str(FIXED.image): 0.1}
    assert given.released().result == "rolled back"
    given.begin(FIXED)
    assert given.go().result == "rolled back"


def test_a_repair_is_compared_with_the_version_that_was_stable(tmp_path: Path) -> None:
    given = world(tmp_path, ROLLING)
    given.prometheus.shares = {IMAGE: 0.02, OTHER_IMAGE: 0.5, str(FIXED.image): 0.02}
    assert given.released().result == "rolled back"
    given.begin(FIXED)
    assert given.go().result == "promoted"


def test_a_release_that_supersedes_begins_when_the_way_back_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = world(tmp_path, ROLLING | {"approval": True})
    given.prometheus.shares = {IMAGE: 0.02, OTHER_IMAGE: 0.022, str(FIXED.image): 0.02}
    assert given.released().result == "waiting"
    began, calls = driver.now(), count()
    with monkeypatch.context() as patch:
        patch.setattr(driver, "now", lambda: began + timedelta(seconds=next(calls)))
        given.begin(FIXED)
    run, (past,) = given.service.record().run, given.service.record().history
    assert run is not None
    assert run.began > past.ended
    assert given.go().result == "waiting"
    records.approve(given.service, reason="fine", by="me", now=past.ended)
    assert given.go().result == "promoted"


@BOTH
def test_the_time_before_ends_when_the_release_begins(
    tmp_path: Path, strategy: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live version turns bad while the driver is away: that excuses nothing."""
    given = world(tmp_path, strategy)
    began = driver.now() - timedelta(minutes=10)
    given.prometheus.shares = {OTHER_IMAGE: 0.1}
    given.prometheus.turns = [(began.timestamp() + 1, IMAGE, 0.5)]
    with monkeypatch.context() as patch:
        patch.setattr(driver, "now", lambda: began)
        given.begin()
    assert given.go().result == "rolled back"


@BOTH
def test_what_was_before_is_counted_once(tmp_path: Path, strategy: Config) -> None:
    given = world(tmp_path, strategy | {"approval": True})
    assert given.released().result == "waiting"
    for _ in range(2):
        assert given.go().result == "waiting"
    run = given.service.record().run
    assert run is not None
    assert run.baseline == {"errors": Arm(bad=0, total=round(60 * given.prometheus.traffic))}
