"""What is nobody's fault during a release: an API server that is away, a full cluster, pods that come and go."""

import time
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from delivery.errors import ClusterUnavailable, UpdateFailed
from delivery.run import stage_update
from tests.delivery.run.test_driver import assert_back, assert_promoted
from tests.delivery.world import World

FULL = "pod web-green-x: Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu"
CRASH = "pod web-green-y: container server: CrashLoopBackOff"
UPDATES = range(1, 8)
REFUSED = "dial tcp 10.0.0.1:443: connect: connection refused"

pytestmark = pytest.mark.usefixtures("at_once")


def away_during(given: World, update: int, questions: int) -> None:
    """Let the API server leave so many questions unanswered, from this update on (the first is 1)."""

    def during(number: int) -> None:
        if number == update:
            given.cluster.away = questions

    given.engine.during = during


@pytest.mark.parametrize("questions", [1, 6])
@pytest.mark.parametrize("update", UPDATES)
def test_an_api_server_that_is_away_for_a_while_ends_no_release(canary: World, update: int, questions: int) -> None:
    away_during(canary, update, questions)
    assert canary.released().result == "promoted"
    assert_promoted(canary)


@pytest.mark.parametrize("update", UPDATES)
def test_a_bad_version_goes_back_also_where_its_traffic_cannot_be_closed_at_once(canary: World, update: int) -> None:
    canary.prometheus.bad = 0.2
    away_during(canary, update, 6)
    assert canary.released().result == "rolled back"
    assert_back(canary, "rolled back", held=True)


def test_an_update_that_lost_the_api_server_is_done_again(canary: World) -> None:
    canary.engine.lost = 3
    assert canary.released().result == "promoted"
    assert_promoted(canary)


def test_an_update_waits_for_the_api_server_and_is_done_again(canary: World) -> None:

    def during(number: int) -> None:
        if number == 1:
            canary.cluster.away = 4
            raise UpdateFailed("error: update failed")

    canary.engine.during = during
    assert canary.released().result == "promoted"
    said = [event.said for event in canary.events if event.kind == "update"]
    assert [line for line in said if "the update waits" in line] == [
        "the API server does not answer; the update waits until it does"
    ]


def test_an_update_is_not_tried_for_ever(canary: World) -> None:
    canary.engine.lost = 100
    with pytest.raises(UpdateFailed, match="refused"):
        canary.released()
    assert len(canary.engine.declared) == 4


def test_what_pods_say_of_their_connections_is_not_the_api_servers() -> None:
    assert UpdateFailed(REFUSED).lost_the_cluster
    assert not UpdateFailed(f"pod web-green-x: container server: {REFUSED}").lost_the_cluster
    assert not UpdateFailed("exceeded quota: pods").lost_the_cluster


def test_an_api_server_that_stays_away_is_told_and_the_release_stays_where_it_was(
    canary: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.run.stage_update._AWAY_SECONDS", 0.05)
    canary.begin()
    canary.engine.fails = {"forward 0": "error: update failed"}
    canary.cluster.away = 1_000_000
    with pytest.raises(UpdateFailed):
        canary.go()
    canary.engine.fails, canary.cluster.away = {}, 0
    assert canary.go().result == "promoted"


def test_a_version_that_finds_no_node_is_not_to_blame(canary: World) -> None:
    canary.engine.fails = {"forward 0": f"{FULL}; {FULL}"}
    outcome = canary.released()
    assert (outcome.result, outcome.exit_code) == ("inconclusive", 4)
    assert "Insufficient nvidia.com/gpu" in outcome.said
    assert_back(canary, "inconclusive", held=False)


def test_a_version_of_which_one_pod_finds_no_node_and_one_crashes_is(canary: World) -> None:
    canary.engine.fails = {"forward 0": f"{FULL}; {CRASH}"}
    assert canary.released().result == "rolled back"
    assert_back(canary, "rolled back", held=True)


@pytest.mark.parametrize(
    ("why", "result", "said"),
    [
        (FULL, "inconclusive", "Unschedulable"),
        (CRASH, "rolled back", "CrashLoopBackOff"),
        ("", "rolled back", "0 of 20 ready after 600 s"),
    ],
)
def test_pods_that_an_autoscaler_still_owes_say_why_they_are_not_there(
    canary: World, monkeypatch: pytest.MonkeyPatch, why: str, result: str, said: str
) -> None:
    hours = SimpleNamespace(monotonic=lambda: 3_600 * time.monotonic(), sleep=time.sleep, time=time.time)
    monkeypatch.setattr(stage_update, "time", hours)
    canary.cluster.missing, canary.cluster.why = "green", why
    outcome = canary.released()
    assert outcome.result == result
    assert said in outcome.said


@pytest.mark.slow  # waits for a real deadline
@pytest.mark.parametrize(
    ("counted", "result"),
    [([3, 2], "promoted"), ([2], "promoted"), ([2, 3], "inconclusive")],
)
def test_restarts_keep_a_version_from_passing_and_a_pod_that_goes_does_not(
    canary: World, counted: list[int], result: str
) -> None:
    canary.cluster.restarted = counted
    assert canary.released().result == result


def test_who_asks_the_api_server_before_a_release_is_told_at_once(canary: World) -> None:
    canary.cluster.away = 1
    with pytest.raises(ClusterUnavailable):
        canary.begin()
    assert canary.service.record().run is None


def test_a_gate_that_cannot_ask_the_api_server_waits_for_it(canary: World) -> None:
    goes_on, silence = canary.cluster.restarts, "context none: the API server does not answer"

    def told() -> bool:
        return any(silence in event.said for event in canary.events if event.kind == "look")

    def restarts(namespace: str, selector: Mapping[str, str]) -> int:
        if not told():  # the gate asks once the requests alone would pass
            raise ClusterUnavailable(silence)
        return goes_on(namespace, selector)

    canary.stack.__dict__["cluster"].restarts = restarts
    assert canary.released().result == "promoted"
    assert told()
    assert_promoted(canary)


def test_pods_that_are_late_because_the_api_server_was_away_are_not_the_versions_fault(canary: World) -> None:
    def during(number: int) -> None:
        if number == 1:
            canary.cluster.away = 1
            while canary.cluster.away:
                time.sleep(0)
            raise UpdateFailed(CRASH)

    canary.engine.during = during
    assert canary.released().result == "promoted"
    assert_promoted(canary)


def test_traffic_that_cannot_be_moved_at_once_is_moved_by_the_update(
    canary: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> bool:
        raise ClusterUnavailable("context none: the API server does not answer")

    monkeypatch.setattr(stage_update.valve, "move", away)
    assert canary.released().result == "promoted"
    assert_promoted(canary)
