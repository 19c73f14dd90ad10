"""First deployments that do not succeed. No version ran before, so there is nothing to return to."""

from pathlib import Path

import pytest

from delivery.errors import Refused, Unchanged, UpdateFailed
from delivery.run import driver
from models.release import SlotRelease
from tests.delivery.world import CANARY, TARGET, World, world
from tests.samples import IMAGE, accepted

MENDED = accepted(SlotRelease, {"image": IMAGE})
CRASH = "pod web-blue-y: container server: CrashLoopBackOff"
NO_NODE = "pod web-blue-y: Unschedulable: 0/3 nodes are available"

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def fresh(tmp_path: Path) -> World:
    """A canary service whose environment runs nothing yet."""
    return world(tmp_path, deployed=False)


def crashes(given: World, why: str = CRASH) -> None:
    """Keep the first version's pods from becoming ready, so that every update with it fails."""

    def during(_: int) -> None:
        if given.release.slots["blue"].image == TARGET.image:
            raise UpdateFailed(why)

    given.engine.during, given.cluster.missing = during, "blue"


def outcomes(given: World) -> list[str]:
    return [past.outcome for past in given.service.record().history]


def runs(given: World) -> dict[str, str | None]:
    """Return the images that run in the cluster, by slot."""
    return {slot: version.image for slot, version in given.cluster.runs.items()}


def mended(given: World) -> None:
    given.cluster.missing = ""


def test_an_update_that_failed_for_another_reason_is_done_again_by_the_same_command(fresh: World) -> None:
    fresh.engine.fails = {"forward 0": "failed to load checkpoint: EOF"}
    with pytest.raises(UpdateFailed, match="EOF"):
        fresh.released()
    fresh.engine.fails = {}
    assert fresh.released().result == "promoted"
    assert outcomes(fresh) == ["superseded", "promoted"]
    assert runs(fresh) == {"blue": TARGET.image}


def test_pods_that_crash_end_it_after_one_update_and_the_version_is_held(fresh: World) -> None:
    crashes(fresh)
    outcome = fresh.released()
    assert (outcome.result, outcome.exit_code) == ("rolled back", 3)
    assert outcome.said == (
        f"rolled back: {CRASH}; there is no earlier version, so this one stays deployed until the next release"
    )
    assert fresh.engine.stages == ["forward 0"]
    record = fresh.service.record()
    assert record.run is None
    assert [held.image for held in record.holds] == [TARGET.image]
    assert [verdict.result for verdict in record.verdicts] == ["fail"]


def test_another_version_replaces_in_place_what_crashed(fresh: World) -> None:
    crashes(fresh)
    fresh.released()
    mended(fresh)
    assert fresh.released(target=MENDED).result == "promoted"
    assert runs(fresh) == {"blue": IMAGE}
    assert all(tuple(release.slots) == ("blue",) for release in fresh.engine.declared)


def test_what_crashed_is_not_released_again(fresh: World) -> None:
    crashes(fresh)
    fresh.released()
    with pytest.raises(Refused, match="is held"):
        fresh.begin()


def test_what_found_no_node_is_released_again_by_the_same_command(fresh: World) -> None:
    crashes(fresh, NO_NODE)
    assert fresh.released().exit_code == 4
    fresh.engine.during = lambda _: mended(fresh)
    assert fresh.released().result == "promoted"
    assert outcomes(fresh) == ["inconclusive", "promoted"]
    assert runs(fresh) == {"blue": TARGET.image}


def test_one_that_is_abandoned_changes_nothing_more(fresh: World) -> None:
    fresh.engine.fails = {"forward 0": "failed to load checkpoint: EOF"}
    with pytest.raises(UpdateFailed):
        fresh.released()
    fresh.cluster.missing = "blue"
    driver.turn_back(fresh.service, "aborted", "not today")
    assert fresh.go().result == "aborted"
    assert fresh.engine.stages == ["forward 0"]
    assert fresh.service.fallback() is None


def test_a_bad_gate_leaves_it_running_and_the_next_stack_reads_so(fresh: World) -> None:
    fresh.prometheus.bad = 0.2
    assert fresh.released().result == "rolled back"
    assert fresh.engine.stages == ["forward 0", "none"], "one more update exports the verdict"
    fresh.prometheus.bad = 0
    assert fresh.released(target=MENDED).result == "promoted"


@pytest.mark.slow  # waits for a real deadline
def test_a_first_version_that_serves_is_worth_going_back_to_although_nobody_judged_it(fresh: World) -> None:
    """Its gate had no requests. Once users have arrived, the next version must not replace it in place."""
    fresh.prometheus.traffic = 0
    assert fresh.released().result == "inconclusive"
    assert fresh.service.fallback() == fresh.service.live()
    with pytest.raises(Unchanged, match="exactly this"):
        fresh.begin()
    fresh.prometheus.traffic, fresh.prometheus.bad = 1_000, 0.2
    assert fresh.released(target=MENDED).result == "rolled back"
    assert runs(fresh) == {"blue": TARGET.image}


@pytest.mark.slow  # waits for a real deadline
@pytest.mark.parametrize("capacity", ["surge", "constant"])
def test_a_release_of_what_is_live_already_goes_back_as_any_other(tmp_path: Path, capacity: str) -> None:
    """An environment that builds learns the digest when it fills the slot, and the digest may equal the live one."""
    given = world(tmp_path, CANARY | {"capacity": capacity})
    given.prometheus.traffic = 0
    given.begin(TARGET)
    run = given.service.record().run
    assert run is not None
    same = run.model_copy(update={"target": run.stable.slots["blue"]})
    given.service.write(given.release, given.service.record().model_copy(update={"run": same}))
    assert given.go().result == "inconclusive"
    assert (given.release.weight, tuple(given.release.slots)) == (0, ("blue",))
    assert runs(given) == {"blue": IMAGE}
    given.cluster.missing = "blue"
    assert given.service.fallback() == given.service.live(), "the pods of the live version may be away for a while"


def test_a_version_that_went_back_is_not_a_first_deployment(canary: World) -> None:
    canary.prometheus.bad = 0.2
    assert canary.released().result == "rolled back"
    assert canary.service.fallback() == canary.service.live()
    assert canary.service.fallback() is not None
