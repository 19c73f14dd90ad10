"""A driver that was killed, and one that resumes its release, count as one driver would have."""

from pathlib import Path

import pytest

from delivery.metrics.counting import Tally
from delivery.metrics.history import History
from delivery.metrics.kept import Kept
from tests.delivery.metrics.scraped import World, server
from tests.delivery.metrics.test_direct import ALONE

RUN = "20261201-101500-ab12"


@pytest.fixture
def world() -> World:
    found = World()
    found.add("digits-blue-1", "blue", created=10.0).counts.update({server(): 1_000_000})
    found.add("digits-green-1", "green", created=10.0).counts.update({server(): 500})
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".slipway" / "delivery" / "prod.web.reads"


def drive(world: World, file: Path, seconds: int, *, run: str = RUN) -> dict[str, Tally]:
    """Let a driver read for some seconds, in which 20 % of the new version's answers are bad; what it counts."""
    direct = world.direct()
    with direct.watching(ALONE, {}, "/metrics", Kept(file, run)):
        for _ in range(seconds):
            world.now += 1
            for one in world.running():
                bad = 2 if one.slot == "green" else 0
                one.counts.update({server(): 10 - bad, **({server("500"): bad} if bad else {})})
            direct.round()
        return direct.counts(ALONE, 1000.0, {})


def test_a_resumed_driver_counts_the_whole_window_and_what_happened_while_there_was_none(
    world: World, file: Path
) -> None:
    drive(world, file, 5)
    world.now += 60
    world.processes["digits-green-1"].counts.update({server("500"): 100})
    found = drive(world, file, 5)
    assert found == {"live": Tally(total=100), "candidate": Tally(total=200, errors=120)}


def test_the_counts_of_a_pod_that_is_gone_stay(world: World, file: Path) -> None:
    drive(world, file, 5)
    world.processes["digits-green-1"].gone = True
    assert drive(world, file, 1)["candidate"] == Tally(total=50, errors=10)


def test_three_drivers_write_one_file(world: World, file: Path) -> None:
    drives = [drive(world, file, 4)["candidate"] for _ in range(3)]
    assert drives == [Tally(total=40 * n, errors=8 * n) for n in (1, 2, 3)]


@pytest.mark.parametrize("torn", [1, 20])
def test_a_line_that_a_kill_tore_is_dropped_and_the_next_driver_writes_after_it(
    world: World, file: Path, torn: int
) -> None:
    drive(world, file, 5)
    whole = file.read_bytes()
    file.write_bytes(whole[:-torn])
    assert drive(world, file, 5)["candidate"] == Tally(total=100, errors=20)
    world.processes["digits-green-1"].gone = True  # only the file knows its requests now
    assert drive(world, file, 1)["candidate"] == Tally(total=100, errors=20)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[]\n", b'{"run":"another"}\n{"p":1}\n'])
def test_the_file_of_another_run_says_nothing(world: World, file: Path, text: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(text)
    assert drive(world, file, 2)["candidate"] == Tally(total=20, errors=4)
    assert file.read_text().startswith(f'{{"run":"{RUN}"}}\n')


def test_a_counter_that_was_gone_is_gone_for_the_next_driver(file: Path) -> None:
    first, both = ({"__name__": "a_total"}, 1.0), [({"__name__": "a_total"}, 1.0), ({"__name__": "b_total"}, 5.0)]
    one = Kept(file, RUN)
    one.load(History())
    for at, samples in ((1.0, both), (2.0, [first]), (3.0, [first])):
        one.add("pod", at, samples, created=0.0, started=0.0)
    one.close()
    found, next_one = History(), Kept(file, RUN)
    next_one.load(found)
    next_one.close()
    assert [series.labels["__name__"] for series in found.series(1.0, 3.0, lambda _: True)] == ["a_total"]
    assert len(list(found.series(0.0, 3.0, lambda _: True))) == 2


@pytest.mark.slow
def test_a_window_that_began_an_hour_ago_is_still_counted_from_its_beginning(world: World, file: Path) -> None:
    """The file is read from its first line on, and older reads are thinned: not those beside a window's edge."""
    drive(world, file, 3600)
    direct = world.direct()
    with direct.watching(ALONE, {}, "/metrics", Kept(file, RUN, [1001.0])):
        assert direct.counts(ALONE, 1001.0, {})["candidate"] == Tally(total=35_990, errors=7198)


def test_without_the_file_only_what_the_driver_has_seen_itself_is_counted(world: World, file: Path) -> None:
    """On another machine: never more than was answered inside the window, and no pass without requests."""
    drive(world, file, 5)
    file.unlink()
    world.now += 60
    world.processes["digits-green-1"].counts.update({server("500"): 100})
    assert drive(world, file, 5)["candidate"] == Tally(total=50, errors=10)
    file.unlink()
    assert drive(world, file, 0)["candidate"] == Tally()
