"""Asking a driver elsewhere to turn back: taken, answered, ignored, fenced off. Clocks pass where somebody waits."""

from collections.abc import Callable

import pytest

from delivery.errors import Busy, ClusterUnavailable
from delivery.lock import turn_back_request
from delivery.lock.holder import Holder
from delivery.lock.lease import DURATION_SECONDS, Lease, noted
from delivery.lock.turn_back_request import Answer, Asked, Request
from tests.delivery.leases import Clock, Leases
from tests.delivery.lock.test_lease import acquired, lease
from tests.each import each

REQUEST = Request(service="web", turn="aborted", reason="wrong model", by="bob")


def asked(store: Leases, during: Callable[[float], None], gone: str = "") -> tuple[Asked, float, list[Holder]]:
    """How asking ended, the seconds that it took, and who was asked."""
    clock, told = Clock(), list[Holder]()
    clock.during = during
    found = turn_back_request.ask(lease(store, "bob", clock), REQUEST, told.append, gone)
    return found, clock.now - Clock().now, told


def takes(driver: Lease, result: str = "", said: str = "") -> None:
    """What a driver's renewal does: see the request, and say what has become of it."""
    driver.confirm()
    if driver.held is not None and (request := Request.read(noted(driver.held, "request"))):
        driver.note(request=None, answer=turn_back_request.text(Answer(id=request.id, result=result, said=said)))
        driver.confirm()


def test_where_nobody_works_nobody_is_asked() -> None:
    store = Leases()
    assert asked(store, lambda _: None) == (Asked(), 0, [])
    acquired(store, "ann").release()
    assert asked(store, lambda _: None) == (Asked(), 0, [])


def test_a_driver_that_turns_back_gives_its_answer() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    began = Clock().now

    def goes_back(now: float) -> None:
        takes(ann)
        if now - began > 60:
            ann.note(answer=turn_back_request.text(Answer(id=REQUEST.id, result="aborted", said="as asked")))
            ann.release()

    found, seconds, told = asked(store, goes_back)
    assert found.answer == Answer(id=REQUEST.id, result="aborted", said="as asked")
    assert seconds < 61
    assert [one.user for one in told] == ["ann"]


def test_a_driver_that_works_and_does_not_take_it_is_waited_for_four_seconds() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    found, seconds, _ = asked(store, lambda _: ann.confirm())
    assert (found.answer, found.past) == (None, ann.holder.identity)
    assert 4 < seconds < 5


def test_a_driver_that_dies_on_its_way_back_is_waited_for_until_its_lease_expires() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    began = Clock().now

    def dies(now: float) -> None:
        if now - began < 3:
            takes(ann)

    found, seconds, _ = asked(store, dies)
    assert (found.answer, found.past) == (None, ann.holder.identity)
    assert DURATION_SECONDS < seconds < DURATION_SECONDS + 4


def test_time_in_which_the_api_server_is_away_is_not_held_against_the_driver_and_ends() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    began = Clock().now

    def away(now: float) -> None:
        store.away = False
        if now - began < 2:
            takes(ann)
        store.away = 2 < now - began < 60
        if now - began > 61:
            ann.note(answer=turn_back_request.text(Answer(id=REQUEST.id, result="aborted")))
            ann.release()

    found, _, _ = asked(store, away)
    assert found.answer is not None
    acquired(store, "ann")
    with pytest.raises(ClusterUnavailable):
        asked(store, lambda _: setattr(store, "away", True))


def test_a_driver_that_ends_without_an_answer_leaves_it_to_whoever_asked() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    found, _, _ = asked(store, lambda _: ann.release() if ann.look() and not ann.lost else None)
    assert (found.answer, found.past) == (None, None)


def test_a_third_driver_that_takes_the_lease_meanwhile_is_told_of() -> None:
    store = Leases()
    ann = acquired(store, "ann")

    def another(_: float) -> None:
        if not ann.lost:
            ann.release()
            acquired(store, "eve")

    with pytest.raises(Busy, match="eve on eve-laptop"):
        asked(store, another)


def test_a_driver_whose_process_is_known_to_have_ended_is_not_asked() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    assert asked(store, lambda _: None, gone=ann.holder.identity) == (Asked(), 0, [])
    assert "slipway.dev/request" not in store.one["metadata"]["annotations"]


@pytest.mark.parametrize("trouble", ["forbidden", "away"])
def test_where_no_lease_can_be_read_this_machine_has_to_do(trouble: str) -> None:
    store = Leases()
    acquired(store, "ann")
    setattr(store, trouble, True)
    assert asked(store, lambda _: None) == (Asked(), 0, [])


def test_a_request_is_for_the_driver_that_it_was_made_to_and_not_for_its_successor() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    found, _, _ = asked(store, lambda _: None)
    bob = lease(store, "bob")
    bob.past = found.past
    bob.acquire()
    assert ann.holder.identity == found.past
    assert bob.held is not None
    assert noted(bob.held, "request") == ""


@each("text", ["", "{}", "[]", "null", '{"id": 1}', '{"id": "x", "unknown": 1}', "\x00"])
def test_an_annotation_of_somebody_else_is_no_request_and_no_answer(text: str) -> None:
    assert Request.read(text) is None
    assert Answer.read(text) is None or text == '{"id": 1}'
