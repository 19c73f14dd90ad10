"""A driver that is killed, or sleeps, at any write to its Lease; and the record that its successor works by."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from delivery.errors import DeliveryError, Forbidden, Lost
from delivery.lock import lease_notes, lock
from delivery.lock.lease import Json
from delivery.release.takeover import catch_up
from delivery.run import driver
from tests.delivery.checkouts import Checkouts, Store, released
from tests.delivery.run.test_driver import assert_back, assert_promoted
from tests.delivery.world import Killed, World

WRITES = range(1, 30)
"""More than a good canary of two steps writes to its Lease."""

pytestmark = pytest.mark.usefixtures("at_once")


def written(given: World) -> tuple[bytes, int, int]:
    """Everything that a driver wrote: its file, its updates, the API server's weights."""
    return given.stack.file.path.read_bytes(), len(given.engine.declared), len(given.cluster.weights)


def takes_over(given: World, past: str) -> driver.Outcome:
    """Abort from this checkout, as `slipway abort` does where the driver does not react."""
    with given.stack.exclusive(past):
        catch_up(given.service)
        if given.service.record().run is not None:
            driver.turn_back(given.service, "aborted", "ann does not answer")
        return given.go()


@pytest.mark.slow
@pytest.mark.parametrize("number", WRITES)
def test_a_driver_that_sleeps_before_any_write_and_returns_after_a_takeover_writes_nothing(
    two: Checkouts, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 1_000)  # it sleeps: its thread too
    left: list[tuple[bytes, int, int]] = []

    def sleeps() -> None:
        left.append(written(two.ann))
        assert takes_over(two.bob, two.seen().identity if two.leases.objects else "").result in ("aborted", "done")

    two.ann.cluster.leases = store = Store(two.leases, number, sleeps)  # type: ignore[assignment]
    with suppress(Lost):
        released(two.ann)
    slept_while_it_drove = store.reached and number > 1
    assert not slept_while_it_drove or written(two.ann) == left[0]
    assert two.seen().identity == ""


def test_those_are_all_the_writes_of_a_release_to_its_lease(two: Checkouts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 1_000)
    released(two.ann)
    assert WRITES.stop - 10 < two.leases.writes < WRITES.stop - 1


@pytest.mark.slow
@pytest.mark.parametrize("number", WRITES)
def test_a_driver_killed_as_it_writes_its_lease_is_resumed_from_the_other_checkout(
    two: Checkouts, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 1_000)
    dead = [False]

    def dies() -> None:
        dead[0] = True
        raise Killed

    class Dying(Store):
        def get(self, path: str) -> Json | None:
            if dead[0]:
                raise Killed
            return super().get(path)

        def _count(self) -> None:
            if dead[0]:
                raise Killed
            super()._count()

    two.ann.cluster.leases = Dying(two.leases, number, dies)  # type: ignore[assignment]
    try:
        released(two.ann)
    except Killed:
        two.share()
        with two.bob.stack.exclusive():  # expires first
            catch_up(two.bob.service)
            if two.bob.service.record().run is None:
                two.bob.begin()
            assert two.bob.go().result == "promoted"
        assert_promoted(two.bob)
    else:
        assert_promoted(two.ann)
    assert two.seen().identity == ""


def test_a_record_that_is_too_long_for_the_lease_is_left_out(two: Checkouts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_notes, "_RECORD_CHARACTERS", 10)
    assert released(two.ann).result == "promoted"
    assert lease_notes.records_of(two.seen()) == {}


def test_a_checkout_whose_record_is_older_takes_the_one_of_the_lease(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
        two.ann.go(steps=1)
    two.share()
    with two.bob.stack.exclusive():
        assert catch_up(two.bob.service)
        assert two.bob.release == two.ann.release
        assert two.bob.service.record().run == two.ann.service.record().run
        assert not catch_up(two.bob.service)
        driver.turn_back(two.bob.service, "aborted", "wrong model")
        two.bob.go()
    assert two.bob.cluster.weights == [20, 0]
    assert_back(two.bob, "aborted", held=False)


def test_a_release_that_ended_elsewhere_is_not_turned_back_by_an_older_record(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
    older = two.ann.stack.file.path.read_bytes()
    with two.ann.stack.exclusive():
        two.ann.go(steps=9)
    two.bob.stack.file.path.write_bytes(older)
    with two.bob.stack.exclusive():
        assert catch_up(two.bob.service)
    assert two.bob.release == two.ann.release
    assert two.bob.service.record() == two.ann.service.record()


def test_a_record_of_the_same_release_that_is_further_stays(two: Checkouts) -> None:
    """Where the Lease could not be written for a while."""
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
    early = two.seen().notes["slipway.dev/record"]
    with two.ann.stack.exclusive():
        two.ann.go(steps=1)
    two.leases.one["metadata"]["annotations"]["slipway.dev/record"] = early
    with two.ann.stack.exclusive():
        assert not catch_up(two.ann.service)
    assert two.ann.release.weight == 20


def test_a_release_that_this_file_knows_to_have_ended_is_not_begun_again_by_an_old_lease(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
    early = two.seen().notes["slipway.dev/record"]
    with two.ann.stack.exclusive():
        two.ann.go(steps=9)
    two.leases.one["metadata"]["annotations"]["slipway.dev/record"] = early
    with two.ann.stack.exclusive():
        assert not catch_up(two.ann.service)
    assert_promoted(two.ann)


def test_a_record_that_another_version_wrote_is_one_line(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
    two.leases.one["metadata"]["annotations"]["slipway.dev/record"] = (
        '{"web": {"release": {"colour": 1}, "delivery": {}, "space": "first"}}'
    )
    with two.bob.stack.exclusive(), pytest.raises(DeliveryError, match="this version of slipway cannot read") as told:
        catch_up(two.bob.service)
    assert "\n" not in str(told.value)


def test_a_hold_on_another_revision_of_the_image_stays_in_force(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
        two.bob.stack.file.path.write_bytes(two.ann.stack.file.path.read_bytes())
        driver.turn_back(two.ann.service, "rolled back", "crashes", blame=True)
        two.ann.go()
    (newest,) = two.ann.service.record().holds
    older = newest.model_copy(update={"revision": "0" * 16, "reason": "too slow"})
    two.bob.stack.revisions.take({"0" * 16: two.ann.stack.revisions.get(str(newest.revision))})
    held = two.bob.service.record().model_copy(update={"holds": (older,)})
    two.bob.stack.file.write("web", two.bob.release, held)
    with two.bob.stack.exclusive():
        assert catch_up(two.bob.service)
    assert two.bob.service.record().holds == (older, newest)


def test_a_release_of_before_the_stack_was_destroyed_is_nobodys(two: Checkouts) -> None:
    """Its Lease outlives it. A stack of the same name that is made anew begins without a release."""
    with two.ann.stack.exclusive():
        two.ann.released(manual=True)
    two.bob.cluster.space = "second"
    with two.bob.stack.exclusive():
        assert not catch_up(two.bob.service)
    assert two.bob.service.record().run is None


def test_a_first_deployment_of_before_the_stack_was_destroyed_is_nobodys(two: Checkouts) -> None:
    """Its record was written before there was a namespace, and there is none again."""
    for one in (two.ann, two.bob):
        one.cluster.runs = {}
    two.ann.stack.file.write("web", two.ann.release, two.ann.service.record())
    with two.ann.stack.exclusive():
        two.ann.begin()
    assert json.loads(two.seen().notes["slipway.dev/record"])["web"]["space"] == ""
    with two.bob.stack.exclusive():
        assert not catch_up(two.bob.service)
    assert two.bob.service.record().run is None


@pytest.mark.parametrize("readable", [True, False])
def test_an_account_that_may_not_read_the_namespace_takes_a_release_over(
    two: Checkouts, monkeypatch: pytest.MonkeyPatch, *, readable: bool
) -> None:
    if not readable:
        for one in (two.ann, two.bob):
            monkeypatch.setattr(one.cluster, "get", partial(_unless_namespace, one.cluster.get))
    with two.ann.stack.exclusive():
        two.ann.begin()
    with two.bob.stack.exclusive():
        assert catch_up(two.bob.service)


def test_a_record_that_an_earlier_version_wrote_without_that_right_is_taken_over(
    two: Checkouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wrote no identity of the namespace."""
    for one in (two.ann, two.bob):
        monkeypatch.setattr(one.cluster, "get", partial(_unless_namespace, one.cluster.get))
    with two.ann.stack.exclusive():
        two.ann.begin()
    notes = two.leases.one["metadata"]["annotations"]
    records = json.loads(notes["slipway.dev/record"])
    assert records["web"]["space"] == "unknown"
    records["web"]["space"] = ""
    notes["slipway.dev/record"] = json.dumps(records)
    with two.bob.stack.exclusive():
        assert catch_up(two.bob.service)


def _unless_namespace(get: Callable[[str], Json | None], path: str) -> Json | None:
    if path.startswith("/api/v1/namespaces/"):
        raise Forbidden("may not get namespaces")
    return get(path)


def test_an_update_of_a_driver_that_was_succeeded_is_not_begun(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        with two.bob.stack.exclusive(two.seen().identity):
            pass
        with pytest.raises(Lost, match="writes no more changes"):
            two.ann.stack.update(lambda _: None)
    assert two.ann.engine.declared == []
