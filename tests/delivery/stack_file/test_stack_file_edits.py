"""Somebody edits the stack file while a driver works: the edit stays; where both want one value, the driver stops."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from delivery.errors import Conflict, DeliveryError, Unreadable
from delivery.events import Event
from delivery.run import driver, shutdown
from delivery.stack_file import atomic_write
from delivery.stack_file.stack_file import StackFile
from models.delivery import ServiceDelivery
from models.release import ServiceRelease
from tests.delivery.world import CANARY, SERVICE, STACK, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted

Edit = Callable[[Config], object]


def path_of(given: World) -> Path:
    return given.stack.project / f"Pulumi.{STACK}.yaml"


def edit(given: World, change: Edit) -> None:
    """Save the file as an editor does."""
    path = path_of(given)
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content["config"])
    path.write_text("# kept\n" + yaml.safe_dump(content), "utf-8")


def edited_at(given: World, stage: str, change: Edit, saved: list[bytes] | None = None) -> None:
    """Have somebody save the file while the update of a stage runs; ``saved`` gets its bytes."""

    def during(number: int) -> None:
        if given.engine.stages[-1] == stage and given.engine.stages.count(stage) == 1:
            del number
            edit(given, change)
            (saved if saved is not None else []).append(path_of(given).read_bytes())

    given.engine.during = during


HELD: Config = {"image": IMAGE.replace("5f0c", "aaaa"), "reason": "leaks", "by": "ann", "at": "2026-11-21T14:02:00Z"}


def other(config: Config) -> None:
    config["other:key"] = ["ann"]


def hold(config: Config) -> None:
    config["slipway:delivery"][SERVICE].setdefault("holds", []).append(HELD)


def approve(config: Config) -> None:
    approval = {"stage": 9, "reason": "seen", "by": "ann", "at": "2026-11-21T14:02:00Z"}
    config["slipway:delivery"][SERVICE]["run"].setdefault("approvals", []).append(approval)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("stage", ["forward 0", "forward 1", "forward 2"])
@pytest.mark.parametrize(
    "change",
    [
        other,
        hold,
        approve,
    ],
    ids=["another key", "a hold", "an approval"],
)
def test_an_edit_of_other_values_survives_a_release_which_goes_on(canary: World, stage: str, change: Edit) -> None:
    edited_at(canary, stage, change)
    expected: Config = {"slipway:delivery": {SERVICE: {"run": {}}}}
    change(expected)
    assert canary.released().result == "promoted"
    assert canary.file.get("other:key") == expected.get("other:key")
    assert [held.reason for held in canary.service.record().holds] == (["leaks"] if change is hold else [])


def weight_0(config: Config) -> None:
    config["slipway:release"][SERVICE]["weight"] = 0


def no_run(config: Config) -> None:
    del config["slipway:delivery"][SERVICE]["run"]


def turned(config: Config) -> None:
    config["slipway:delivery"][SERVICE]["run"]["kind"] = "back"


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (weight_0, r"slipway:release\.web\.weight is 0 \(was 20\)"),
        (turned, r"slipway:delivery\.web\.run\.kind is back \(was not set\)"),
        (no_run, r"slipway:delivery\.web\.run is not set"),
    ],
    ids=["weight", "kind", "no run"],
)
def test_an_edit_of_what_the_driver_moves_stops_it_in_one_line_and_the_canary_gets_nothing(
    canary: World, change: Edit, said: str
) -> None:
    saved: list[bytes] = []
    edited_at(canary, "forward 1", change, saved)
    with pytest.raises(
        Conflict, match=f"^prod web: another person or process has changed Pulumi.prod.yaml: {said}"
    ) as caught:
        canary.released()
    assert "green no longer gets requests, and blue answers all of them" in str(caught.value)
    assert "slipway abort prod web" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert canary.cluster.weights == [20, 0]
    assert path_of(canary).read_bytes() == saved[0], "the edit is still there, and nothing was written after it"


@pytest.mark.usefixtures("at_once")
def test_after_a_conflict_a_person_goes_back_with_one_command(canary: World) -> None:
    edited_at(canary, "forward 1", weight_0)
    with pytest.raises(Conflict):
        canary.released()
    driver.turn_back(canary.service, "aborted", "ann takes over")
    assert canary.go().result == "aborted"
    blue = {"image": IMAGE, "revision": canary.revision}
    assert canary.file["slipway:release"][SERVICE] == {"live": "blue", "weight": 0, "slots": {"blue": blue}}


@pytest.mark.usefixtures("at_once")
def test_a_bad_version_gets_no_requests_even_where_its_way_back_cannot_be_written(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"capacity": "constant"})
    given.prometheus.bad = 0.5
    given.begin()

    def heard(event: Event) -> None:
        if event.kind == "verdict":
            edit(given, lambda config: config["slipway:release"][SERVICE].update(weight=40))

    with pytest.raises(Conflict, match="weight is 40"):
        driver.go(given.service, heard)
    assert given.cluster.weights[-1] == 0


@pytest.mark.usefixtures("at_once")
def test_traffic_stays_where_the_live_slot_has_given_pods_up(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY | {"capacity": "constant", "steps": [50, 100]})
    edited_at(given, "forward 2", lambda config: config["slipway:release"][SERVICE].update(weight=40))
    with pytest.raises(Conflict, match="; traffic is unchanged; see `slipway status prod`"):
        given.released()
    assert given.cluster.weights == [50]
    run, narrowed = given.service.record().run, given.engine.declared[-1]
    assert run is not None
    assert "green no longer gets requests" in shutdown.shut(given.service, run, narrowed, bad=True)
    assert given.cluster.weights[-1] == 0


@pytest.mark.usefixtures("at_once")
def test_traffic_stays_where_somebody_made_another_slot_live(canary: World) -> None:
    edited_at(canary, "forward 1", lambda config: config["slipway:release"][SERVICE].update(live="green", weight=0))
    with pytest.raises(Conflict, match="; traffic is unchanged; "):
        canary.released()
    assert canary.cluster.weights == [20]


@pytest.mark.usefixtures("at_once")
def test_an_editor_that_empties_the_file_before_it_writes_it_does_not_stop_a_release(
    canary: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = canary.stack.file.path
    kept: list[bytes] = []
    slept = time.sleep

    def emptied(number: int) -> None:
        if number == UPDATE:
            kept.append(path.read_bytes())
            path.write_bytes(b"")

    def saved(seconds: float) -> None:
        slept(seconds)
        if not path.read_bytes():
            path.write_bytes(kept[0])

    canary.engine.during = emptied
    monkeypatch.setattr(time, "sleep", saved)
    assert canary.released().result == "promoted"
    assert kept


UPDATE = 2
"""The number of the update during which the editor saves."""


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("config:\n", "config: [\n", "line 4: not valid YAML"),
        ("context: none", "contex: none", "slipway:cluster.contex"),
    ],
)
def test_a_file_that_somebody_broke_stops_the_driver_and_the_canary_gets_nothing(
    canary: World, old: str, new: str, said: str
) -> None:
    saved: list[str] = []

    def broken(number: int) -> None:
        if number == UPDATE:
            saved.append(path_of(canary).read_text().replace(old, new))
            path_of(canary).write_text(saved[0])

    canary.engine.during = broken
    with pytest.raises(Unreadable, match=f"{said}.*; green no longer gets requests, and blue answers"):
        canary.released()
    assert canary.cluster.weights == [20, 0]
    assert path_of(canary).read_text() == saved[0]


RELEASE = accepted(ServiceRelease, {"slots": {"blue": {"image": IMAGE}}})
AFTER = accepted(ServiceRelease, {"slots": {"blue": {"image": OTHER_IMAGE}}})


def opened(folder: Path, text: str = "config: {}\n") -> StackFile:
    (folder / "Pulumi.prod.yaml").write_text(text)
    return StackFile(folder / "Pulumi.prod.yaml")


def test_an_edit_between_read_and_rename_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = opened(tmp_path)
    real, edits = atomic_write.os.fsync, ["  ann: 1\n", "  bob: 2\n"]

    def saved_meanwhile(descriptor: int) -> None:
        real(descriptor)
        if edits:
            text = made.path.read_text().replace("config: {}\n", "config:\n  first: 0\n")
            made.path.write_text(text + edits.pop(0))

    monkeypatch.setattr(atomic_write.os, "fsync", saved_meanwhile)
    made.write(SERVICE, RELEASE, ServiceDelivery())
    config = yaml.safe_load(made.path.read_text())["config"]
    assert (config["first"], config["ann"], config["bob"]) == (0, 1, 2)
    assert config["slipway:release"][SERVICE]["slots"] == {"blue": {"image": IMAGE}}
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.prod.yaml"]


def test_what_two_commands_write_at_once_is_a_conflict_for_the_second(tmp_path: Path) -> None:
    one = opened(tmp_path)
    one.write(SERVICE, RELEASE, ServiceDelivery())
    other = StackFile(one.path)
    other.tree()
    one.write(SERVICE, AFTER, ServiceDelivery())
    text = one.path.read_text()
    with pytest.raises(Conflict, match=r"slipway:release\.web\.slots\.blue\.image is .*, here "):
        other.write(SERVICE, accepted(ServiceRelease, {"slots": {"blue": {}}}), ServiceDelivery())
    assert one.path.read_text() == text


def test_a_conflict_that_a_reader_saw_is_still_one_for_the_writer(tmp_path: Path) -> None:
    made = opened(tmp_path)
    made.write(SERVICE, RELEASE, ServiceDelivery())
    with made.watched(SERVICE):
        made.path.write_text(made.path.read_text().replace("live: blue", "live: green"))
        with pytest.raises(Conflict, match="live is green"):  # in a thread of its own, say
            made.tree()
        with pytest.raises(Conflict, match="live is green"):
            made.write(SERVICE, AFTER, ServiceDelivery())
    assert "live: green" in made.path.read_text()


def test_who_writes_waits_for_who_writes_in_the_same_folder(tmp_path: Path) -> None:
    made = opened(tmp_path)
    with ThreadPoolExecutor(1) as pool:
        with atomic_write.locked(made.path):
            later = pool.submit(made.write, SERVICE, RELEASE, ServiceDelivery())
            with pytest.raises(TimeoutError):
                later.result(timeout=0.2)
            made.path.write_text("config: {}\n# ann\n")
        later.result(timeout=10)
    assert "# ann" in made.path.read_text()
    assert "slipway:release" in made.path.read_text()


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="no such stack file"):
        StackFile(tmp_path / "Pulumi.prod.yaml")
