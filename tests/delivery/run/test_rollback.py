"""What is asked for while a way back is under way: the version that it leaves stays held, and never comes back."""

from contextlib import suppress
from pathlib import Path

import pytest

from delivery.errors import Refused
from delivery.events import Event
from delivery.release import records
from delivery.release.new_run import new_run
from delivery.run import driver, rollback
from models.delivery import Run, ServiceDelivery
from tests.delivery.users import Killed
from tests.delivery.world import CANARY, GATE, TARGET, World, world
from tests.samples import IMAGE, OTHER_IMAGE

FIX = TARGET.model_copy(update={"image": OTHER_IMAGE[:-1] + "0"})
WARM = CANARY | {"warm": "1h"}

pytestmark = [pytest.mark.usefixtures("at_once"), pytest.mark.slow]


def run(given: World) -> Run:
    found = given.service.record().run
    assert found is not None
    return found


def held(given: World) -> list[str]:
    return [hold.image for hold in given.service.record().holds]


def killed(given: World, update: int = 1) -> None:
    """Carry on until the driver is killed, during the update of this number from now."""
    given.engine.killed_at = len(given.engine.declared) + update
    with pytest.raises(Killed):
        given.go()


def answering(given: World, since: float) -> set[str]:
    """The images that users got answers of since then."""
    users = given.prometheus
    return {
        split.runs[slot].image
        for split in users.splits
        for slot, share in split.shares.items()
        if share and split.at >= since
    }


@pytest.mark.parametrize("capacity", ["constant", "surge"])
@pytest.mark.parametrize("update", range(1, 6))
def test_a_fix_that_is_released_meanwhile_does_not_bring_the_bad_version_back(
    tmp_path: Path, capacity: str, update: int
) -> None:
    given = world(tmp_path, WARM | {"capacity": capacity})
    assert given.released().result == "promoted"
    driver.turn_back(given.service, "rolled back", "users complain", blame=True)
    given.engine.killed_at = len(given.engine.declared) + update
    with suppress(Killed):
        given.go()
    given.engine.killed_at = None
    given.begin(FIX)
    since = given.prometheus.now()
    assert run(given).stable.slots[run(given).stable.live].image == IMAGE
    assert given.go().result == "promoted"
    assert answering(given, since) == {IMAGE, FIX.image}
    assert given.service.record().history[0].outcome == "rolled back"


@pytest.mark.parametrize("ending", ["aborted", "inconclusive", "superseded"])
def test_a_rollback_during_any_way_back_holds_the_version(tmp_path: Path, ending: driver.Ending) -> None:
    given = world(tmp_path)
    given.begin()
    killed(given, 3)
    driver.turn_back(given.service, ending, "oops")
    killed(given)
    rollback.turn_back(given.service, "wrong answers")
    outcome = given.go()
    record = given.service.record()
    assert (outcome.result, held(given), record.history[-1].outcome) == ("rolled back", [OTHER_IMAGE], "rolled back")
    assert [v.result for v in record.verdicts] == ["fail"]
    assert given.release.slots[given.release.live].image == IMAGE


def test_a_second_rollback_changes_nothing_of_the_first(tmp_path: Path) -> None:
    given = world(tmp_path)
    given.begin()
    killed(given, 3)
    rollback.turn_back(given.service, "first")
    killed(given)
    before = given.file
    rollback.turn_back(given.service, "second")
    assert given.file == before


def test_an_abort_during_a_way_back_goes_on_with_it(tmp_path: Path) -> None:
    given = world(tmp_path)
    given.begin()
    killed(given, 3)
    rollback.turn_back(given.service, "wrong answers")
    killed(given)
    driver.turn_back(given.service, "aborted", "oops")
    assert (given.go().result, held(given)) == ("rolled back", [OTHER_IMAGE])


def silently(_: Event) -> None:
    """A listener that does not."""


def returned(tmp_path: Path) -> World:
    """A service whose bad version was promoted for good, and on its way to the version before it."""
    given = world(tmp_path, CANARY)
    given.begin(FIX)
    given.go()
    given.begin(TARGET)
    assert given.go().result == "promoted"
    back = rollback.version_before(given.service)
    assert back.image == FIX.image
    rollback.begin(given.service, back, silently, "wrong answers")
    return given


@pytest.mark.parametrize("update", range(1, 4))
def test_a_way_back_that_goes_forward_is_gone_to_its_end_by_whatever_comes_next(tmp_path: Path, update: int) -> None:
    """Superseded or rolled back, it would make the version live again that it leaves."""
    given = returned(tmp_path)
    killed(given, update)
    rollback.turn_back(given.service, "wrong answers")
    assert (given.go().result, held(given)) == ("promoted", [OTHER_IMAGE])
    assert given.release.slots[given.release.live].image == FIX.image


@pytest.mark.parametrize("update", range(1, 4))
def test_a_release_meanwhile_goes_on_from_where_it_leads(tmp_path: Path, update: int) -> None:
    given = returned(tmp_path)
    killed(given, update)
    newer = TARGET.model_copy(update={"image": OTHER_IMAGE[:-1] + "2"})
    planned = new_run(given.service, newer, driver.now()).stable
    assert planned.slots[planned.live].image == FIX.image, "what `slipway plan` shows"
    given.begin(newer)
    stable = run(given).stable
    assert stable.slots[stable.live].image == FIX.image
    assert given.go().result == "promoted"


def test_the_hold_is_written_with_the_way_back(tmp_path: Path) -> None:
    """A driver that is killed between two writes would leave a version free that was rolled back."""
    given = returned(tmp_path)
    assert (run(given).express, held(given), given.engine.declared[-1].weight) == (True, [OTHER_IMAGE], 0)


def test_from_where_a_way_back_led_there_is_none_to_what_is_held(tmp_path: Path) -> None:
    given = world(tmp_path, WARM)
    given.begin(FIX)
    given.go()
    given.begin(TARGET)
    given.go()
    given.service.write(given.release, _over(given))
    rollback.begin(given.service, rollback.version_before(given.service), silently, "bad")
    assert given.go().result == "promoted"
    with pytest.raises(Refused, match="is held"):
        rollback.turn_back(given.service, "once more")


def _over(given: World) -> ServiceDelivery:
    records.end(given.service, driver.now(), image=OTHER_IMAGE)
    return given.service.record()


def test_a_rolled_back_blue_green_release_is_compared_and_held(tmp_path: Path) -> None:
    given = world(tmp_path, {"strategy": "blueGreen", "warm": "0s", "gate": GATE})
    given.prometheus.bad = 0.2
    assert (given.released().result, held(given)) == ("rolled back", [OTHER_IMAGE])
