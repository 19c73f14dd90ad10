"""The Lease itself: who gets it, who keeps it, who is fenced off. Clocks pass only where somebody waits."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from delivery.errors import Busy, ClusterUnavailable, DeliveryError, Forbidden, Lost, StaleObject
from delivery.lock.holder import Holder
from delivery.lock.lease import DURATION_SECONDS, Lease, Seen, noted
from tests.delivery.leases import Clock, Leases

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def holder(user: str) -> Holder:
    return Holder(user=user, host=f"{user}-laptop", pid=7, since=NOON, nonce=f"nonce{user}")


def lease(store: Leases, user: str, clock: Clock | None = None) -> Lease:
    clock = clock or Clock()
    return Lease(store, "default", "slipway-web-prod-web-prod", holder(user), clock=clock, sleep=clock.sleep)


def acquired(store: Leases, user: str) -> Lease:
    found = lease(store, user)
    found.acquire()
    return found


def owner(store: Leases) -> str:
    return Seen(store.one).identity


def token(store: Leases) -> int:
    return Seen(store.one).token


def test_the_first_driver_makes_it_and_its_identity_says_who_where_and_since_when() -> None:
    store = Leases()
    acquired(store, "ann")
    found = Seen(store.one).holder
    assert found is not None
    assert (found.user, found.host, found.pid) == ("ann", "ann-laptop", 7)
    assert str(replace(found, since=NOON)) == "ann on ann-laptop, pid 7, since 2026-11-29 12:00:00 UTC"


@pytest.mark.parametrize("user", ["ann", "a b@corp pid 3 x", "", "Ægir"])
def test_an_identity_is_read_as_it_was_written(user: str) -> None:
    given = replace(holder("ann"), user=user)
    assert Holder.read(given.identity, NOON) == given


def test_the_identity_of_another_program_is_shown_whole() -> None:
    assert str(Holder.read("argo-7f9", None)) == "argo-7f9 on ?, pid 0"


def test_a_driver_that_renews_makes_the_next_one_busy() -> None:
    store = Leases()
    ann, clock = acquired(store, "ann"), Clock()
    clock.during = lambda _: ann.confirm()
    with pytest.raises(Busy, match="ann on ann-laptop, pid 7, since"):
        lease(store, "bob", clock).acquire()
    assert clock.now - Clock().now < 2
    assert owner(store) == ann.holder.identity


def test_one_that_has_expired_is_taken_over_after_its_whole_duration_by_the_observers_clock() -> None:
    store, clock = Leases(), Clock()
    acquired(store, "ann")
    bob = lease(store, "bob", clock)
    bob.acquire()
    assert DURATION_SECONDS <= clock.now - Clock().now < DURATION_SECONDS + 1
    assert owner(store) == bob.holder.identity
    assert token(store) == 2


@pytest.mark.parametrize("year", [1970, 2026, 2099])
def test_the_time_that_its_holder_wrote_decides_nothing(year: int) -> None:
    store, clock = Leases(), Clock()
    acquired(store, "ann")
    store.one["spec"]["renewTime"] = f"{year}-01-01T00:00:00.000000Z"
    lease(store, "bob", clock).acquire()
    assert clock.now - Clock().now >= DURATION_SECONDS


def test_its_holder_says_how_long_it_lasts() -> None:
    store, clock = Leases(), Clock()
    acquired(store, "ann")
    store.one["spec"]["leaseDurationSeconds"] = 60
    lease(store, "bob", clock).acquire()
    assert clock.now - Clock().now >= 60


def test_time_in_which_the_api_server_was_away_does_not_count() -> None:
    """Its holder could not renew it then either."""
    store, clock = Leases(), Clock()
    acquired(store, "ann")
    bob = lease(store, "bob", clock)

    def away(now: float) -> None:
        store.away = now - Clock().now > DURATION_SECONDS - 2

    clock.during = away
    with pytest.raises(ClusterUnavailable):
        bob.acquire()
    store.away, clock.during = False, lambda _: None
    began = clock.now
    bob.acquire()
    assert clock.now - began >= DURATION_SECONDS


def test_a_driver_whose_end_is_known_is_succeeded_at_once() -> None:
    store, clock = Leases(), Clock()
    ann = acquired(store, "ann")
    bob = lease(store, "bob", clock)
    bob.past = ann.holder.identity
    bob.acquire()
    assert clock.now == Clock().now
    assert token(store) == 2


def test_a_released_one_is_free_at_once_and_the_token_still_rises() -> None:
    store, clock = Leases(), Clock()
    ann = acquired(store, "ann")
    ann.release()
    assert owner(store) == ""
    lease(store, "bob", clock).acquire()
    assert clock.now == Clock().now
    assert token(store) == 2


def test_the_same_person_is_another_driver_each_time() -> None:
    store, clock = Leases(), Clock()
    ann = acquired(store, "ann")
    clock.during = lambda _: ann.confirm()
    second = lease(store, "ann", clock)
    second.holder = replace(second.holder, nonce="another")
    with pytest.raises(Busy):
        second.acquire()


def test_a_driver_that_returns_after_a_takeover_is_lost_and_stays_so() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    bob = lease(store, "bob")
    bob.past = ann.holder.identity
    bob.acquire()
    before = store.one
    for _ in range(2):
        with pytest.raises(Lost, match=r"bob on bob-laptop, pid 7, since .* has taken over the stack"):
            ann.confirm()
    bob.release()
    with pytest.raises(Lost):
        ann.confirm()
    assert owner(store) == ""
    assert Seen(before).token == token(store)


def test_a_driver_that_returns_is_lost_also_where_nobody_holds_it_any_more() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    bob = lease(store, "bob")
    bob.past = ann.holder.identity
    bob.acquire()
    bob.release()
    with pytest.raises(Lost, match="another driver has taken over the stack"):
        ann.confirm()


def test_a_lease_that_somebody_deleted_is_lost() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    store.delete()
    with pytest.raises(Lost, match="Lease default/slipway-web-prod-web-prod was deleted"):
        ann.confirm()


def test_a_lease_that_was_deleted_and_made_anew_is_not_taken_for_the_old_one() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    store.delete()
    bob = acquired(store, "bob")
    assert token(store) == 1
    with pytest.raises(Lost):
        ann.confirm()
    assert owner(store) == bob.holder.identity


def test_to_release_what_is_lost_changes_nothing() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    bob = lease(store, "bob")
    bob.past = ann.holder.identity
    bob.acquire()
    with pytest.raises(Lost):
        ann.release()
    assert owner(store) == bob.holder.identity


def test_an_answer_that_was_lost_on_the_way_takes_nothing_from_its_driver() -> None:
    store = Leases(lost_answers=1)
    ann = lease(store, "ann")
    with pytest.raises(ClusterUnavailable):
        ann.acquire()
    ann.confirm()
    assert token(store) == 1
    store.lost_answers = 1
    with pytest.raises(ClusterUnavailable):
        ann.confirm()
    ann.confirm()
    assert owner(store) == ann.holder.identity


def test_what_somebody_asks_for_survives_a_renewal() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    seen = lease(store, "bob").look()
    assert seen is not None
    lease(store, "bob").ask(seen, request="turn back")
    ann.note(record="{}")
    ann.confirm()
    assert ann.held is not None
    assert (noted(ann.held, "request"), noted(ann.held, "record")) == ("turn back", "{}")
    ann.note(request=None)
    ann.confirm()
    assert "slipway.dev/request" not in store.one["metadata"]["annotations"]


def test_a_request_to_what_was_changed_meanwhile_is_refused() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    seen = ann.look()
    assert seen is not None
    ann.confirm()
    with pytest.raises(StaleObject):
        lease(store, "bob").ask(seen, request="turn back")


def test_a_note_that_could_not_be_written_is_written_with_the_next_renewal() -> None:
    store = Leases()
    ann = acquired(store, "ann")
    ann.note(record="new")
    store.away = True
    with pytest.raises(ClusterUnavailable):
        ann.confirm()
    store.away = False
    ann.confirm()
    assert noted(Seen(store.one), "record") == "new"


def test_an_account_without_rights_and_a_namespace_that_is_not_there_are_told() -> None:
    with pytest.raises(Forbidden):
        acquired(Leases(forbidden=True), "ann")
    with pytest.raises(DeliveryError, match="namespace default does not exist"):
        acquired(Leases(namespaces=()), "ann")


def test_of_two_that_see_it_free_at_the_same_moment_one_gets_it() -> None:
    store = Leases()
    acquired(store, "ann").release()
    bob, eve = lease(store, "bob"), lease(store, "eve")
    seen = bob.look()
    assert seen == eve.look()
    assert [bob.take(seen), eve.take(seen)] == [True, False]
    assert owner(store) == bob.holder.identity
