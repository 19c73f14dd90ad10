"""Two checkouts of one stack that reach one cluster: never two writers, and whoever was succeeded writes nothing."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from delivery.errors import Busy, ClusterUnavailable, Lost
from delivery.lock import lease, lock
from delivery.lock.turn_back_request import Asked, Request, ask
from delivery.release.stack import Stack
from delivery.run import driver
from tests.delivery.checkouts import Checkouts, checkouts, released
from tests.delivery.run.test_driver import assert_back
from tests.delivery.world import SERVICE, STACK, World
from tests.recording import PROJECT

RACES = 100
pytestmark = pytest.mark.usefixtures("at_once")


def folded(text: str) -> str:
    return " ".join(text.split())


def test_a_second_checkout_is_busy_and_is_told_who_works_since_when(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        ours = two.ann.stack.lock.held_lease
        assert ours is not None
        steady = threading.Event()
        renewing = threading.Thread(target=renew, args=(two.ann, steady))
        renewing.start()
        with (
            pytest.raises(
                Busy, match=r"stack prod: another slipway process holds it \(ann on \S+, pid \d+, since "
            ) as busy,
            two.bob.stack.exclusive(),
        ):
            pass
        steady.set()
        renewing.join()
    assert busy.value.exit_code == 6
    with two.bob.stack.exclusive():
        pass


def renew(given: World, over: threading.Event) -> None:
    """Renew as often as a driver does, by the fast clock."""
    while not over.wait(0.002):
        given.stack.lock.confirm()


def test_who_looks_is_told_of_a_driver_elsewhere_and_of_none_that_is_gone(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        found = two.bob.stack.owner()
        assert found is not None
        assert found.user == "ann"
        assert two.bob.stack.holder() is None, "no process of this checkout"
    assert two.bob.stack.owner() is None
    assert two.ann.stack.holder() is None


@pytest.mark.parametrize("year", ["1970", "2099"])
def test_whether_a_lease_is_renewed_says_whether_there_is_a_driver_and_not_the_time_on_it(
    two: Checkouts, monkeypatch: pytest.MonkeyPatch, year: str
) -> None:
    def renews(_: float) -> None:
        two.ann.stack.lock.confirm()

    def passes(_: float) -> None:
        pass

    with two.ann.stack.exclusive():
        spec = two.leases.one["spec"]
        spec["renewTime"] = f"{year}-01-01T00:00:00.000000Z"
        monkeypatch.setattr("time.sleep", renews)
        found = two.bob.stack.owner()
        assert found is not None, "its clock is wrong, and it renews"
    two.leases.one["spec"] |= {"holderIdentity": "gone@far pid 3 x", "renewTime": f"{year}-01-01T00:00:00.000000Z"}
    monkeypatch.setattr("time.sleep", passes)
    assert two.bob.stack.owner() is None


@pytest.mark.slow
def test_looking_never_makes_a_driver_find_the_stack_busy(two: Checkouts) -> None:
    """The lock's file is only read: shared/faults/lock_race.py."""
    over, stack = threading.Event(), two.ann.stack

    def look() -> None:
        other = Stack(stack.project, STACK)
        while not over.is_set():
            other.holder()

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(300):
        with stack.exclusive():
            assert stack.holder() is not None
    over.set()
    looking.join()


def test_a_driver_of_the_same_checkout_needs_no_cluster_to_be_busy(two: Checkouts) -> None:
    with two.ann.stack.exclusive():
        two.leases.away = True
        with pytest.raises(Busy, match="ann on"), Stack(two.ann.stack.project, STACK).exclusive():
            pass
        two.leases.away = False


@pytest.mark.slow
def test_of_two_checkouts_that_race_never_both_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = checkouts(tmp_path, monkeypatch, fast=1)  # nothing expires here
    inside, most, won = [0], [0], {"ann": 0, "bob": 0}
    start = threading.Barrier(2)

    def race(name: str, given: World) -> None:
        for _ in range(RACES):
            start.wait()
            with suppress(Busy), given.stack.exclusive():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                given.service.write(given.release, given.service.record())
                won[name] += 1
                inside[0] -= 1

    racing = [threading.Thread(target=race, args=pair) for pair in (("ann", two.ann), ("bob", two.bob))]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    assert most[0] == 1
    assert sum(won.values()) >= RACES
    assert min(won.values()) > 0


def test_a_driver_without_rights_says_what_is_lost_and_works(
    two: Checkouts, capsys: pytest.CaptureFixture[str]
) -> None:
    two.leases.forbidden = True
    assert released(two.ann).result == "promoted"
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("slipway: stack prod: the lock does not cover other machines, and slipway abort")
    assert "403" in said[0]
    assert "allow get, create and update of leases.coordination.k8s.io" in said[0]


def test_an_abort_while_the_api_server_is_away_is_recorded_and_takes_the_lease_when_it_is_back(
    two: Checkouts, capsys: pytest.CaptureFixture[str]
) -> None:
    two.ann.released(manual=True)
    two.ann.cluster.away = 30
    with two.ann.stack.exclusive():
        driver.turn_back(two.ann.service, "aborted", "nobody wants it")
        assert two.ann.go().result == "aborted"
        assert two.seen().identity
    assert "until the API server answers" in folded(capsys.readouterr().err)
    assert_back(two.ann, "aborted", held=False)


def test_a_driver_that_could_not_take_the_lease_at_first_stops_where_another_has_it(two: Checkouts) -> None:
    two.ann.cluster.away = 1_000
    with two.ann.stack.exclusive(), two.bob.stack.exclusive():
        two.ann.cluster.away = 0
        over = threading.Event()
        renewing = threading.Thread(target=renew, args=(two.bob, over))
        renewing.start()
        with pytest.raises(Lost, match="writes no more changes"):
            two.ann.begin()
        over.set()
        renewing.join()
    assert two.ann.service.record().run is None


def test_a_file_is_not_written_once_the_lease_may_have_expired(two: Checkouts, monkeypatch: pytest.MonkeyPatch) -> None:
    with two.ann.stack.exclusive():
        two.leases.away = True
        monkeypatch.setattr(lock, "_AWAY_SECONDS", 0.05)
        monkeypatch.setattr(lock, "monotonic", lambda: lease.monotonic() + 11)
        before = two.ann.stack.file.path.read_bytes()
        with pytest.raises(ClusterUnavailable):
            two.ann.service.write(two.ann.release, two.ann.service.record())
        assert two.ann.stack.file.path.read_bytes() == before
        two.leases.away = False


@pytest.fixture
def interrupted(two: Checkouts) -> list[str]:
    """What ann's driver was interrupted for."""
    found: list[str] = []
    two.ann.stack.lock.interrupt = lambda: found.append("interrupted")
    return found


def test_a_request_is_heard_with_the_next_renewal_and_answered(
    two: Checkouts, interrupted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.01)
    request = Request(service=SERVICE, turn="aborted", reason="wrong model", by="bob")
    with two.ann.stack.exclusive():
        asking = two.bob.stack.lock.elsewhere()
        assert asking is not None
        done: list[Asked] = []
        waiting = threading.Thread(target=lambda: done.append(ask(asking, request, lambda _: None)))
        waiting.start()
        while not interrupted:
            threading.Event().wait(0.001)
        assert two.ann.stack.lock.asked(SERVICE) == request
        assert two.ann.stack.lock.asked("another") is None
        two.ann.stack.lock.answer("aborted", "as asked")
    waiting.join()
    assert [(asked.answer.result, asked.answer.said) for asked in done if asked.answer] == [("aborted", "as asked")]
    assert interrupted == ["interrupted"]


def test_a_driver_that_lost_the_stack_is_interrupted(
    two: Checkouts, interrupted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "RENEW_SECONDS", 0.01)
    with two.ann.stack.exclusive():
        assert two.ann.stack.lock.asked(SERVICE) is None
        with two.bob.stack.exclusive(two.seen().identity):
            while not interrupted:
                threading.Event().wait(0.001)
        with pytest.raises(Lost):
            two.ann.stack.lock.asked(SERVICE)


@pytest.mark.parametrize("left", ["4711", "", "{", '{"pid": 1}', "[]"])
def test_what_another_version_left_in_the_locks_file_names_nobody_and_is_no_obstacle(two: Checkouts, left: str) -> None:
    file = two.ann.stack.lock.file
    file.parent.mkdir(parents=True)
    file.write_text(left)
    assert two.ann.stack.holder() is None
    assert two.ann.stack.lock.gone() == ""
    with two.ann.stack.exclusive():
        assert two.ann.stack.holder() is not None


def test_every_write_of_the_driver_goes_past_the_lock() -> None:
    """Service writes the stack file, Stack runs Pulumi, the valve writes to the API server; each confirms first."""
    homes: dict[str, set[str]] = {
        ".engine.up(": {"stack.py"},
        "stack.file.write(": {"service.py"},
        "self.file.write(": set(),
        "cluster.apply(": {"valve.py"},
    }
    sources = list((PROJECT / "delivery").rglob("*.py"))
    assert len(sources) > 40
    for call, expected in homes.items():
        assert {path.name for path in sources if call in path.read_text()} == expected
