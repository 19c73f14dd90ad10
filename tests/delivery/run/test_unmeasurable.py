"""A release whose gate could never tell anything ends before its first request, and says which series there are."""

from pathlib import Path

import pytest

from delivery.errors import Refused
from tests.delivery.world import CANARY, GATE, World, world
from tests.samples import Config

pytestmark = pytest.mark.usefixtures("at_once")

TIMED: Config = {**GATE, "latency": {"within": "300ms"}}
ALIKE: Config = CANARY | {"gate": TIMED}


def nothing_moved(given: World) -> bool:
    return set(given.cluster.weights) <= {0} and all(not release.weight for release in given.engine.declared)


def test_a_gate_that_can_be_judged_is_in_nobodys_way(tmp_path: Path) -> None:
    given = world(tmp_path, ALIKE)
    given.begin()
    assert given.go().result == "promoted"


def test_a_live_slot_without_the_bound_is_refused_before_anything_begins(tmp_path: Path) -> None:
    given = world(tmp_path, ALIKE)
    given.prometheus.bounds = ("0.1", "0.5", "+Inf")
    with pytest.raises(
        Refused, match=r"release\.gate cannot be judged: latency: 300ms is not a bound of .* 100, 500 ms"
    ):
        given.begin()
    assert (given.service.record().run, given.engine.declared) == (None, [])


@pytest.mark.parametrize("strategy", [{"strategy": "rolling"}, {"strategy": "blueGreen", "warm": "0s"}])
def test_the_live_slot_is_not_asked_if_nothing_is_compared_with_it(tmp_path: Path, strategy: Config) -> None:
    """The new version may be the first that exports what the gate reads."""
    given = world(tmp_path, {**strategy, "gate": TIMED})
    given.prometheus.bounds = ("0.1", "0.5", "+Inf")
    given.begin()
    assert given.service.record().run is not None


def test_a_new_slot_that_lost_the_bound_gets_no_request(tmp_path: Path) -> None:
    given = world(tmp_path, ALIKE)
    given.begin()
    given.prometheus.bounds = ("0.1", "0.5", "+Inf")
    outcome = given.go()
    assert outcome.result == "inconclusive"
    assert outcome.said.startswith("inconclusive: before the first request: latency: 300ms is not a bound of ")
    assert nothing_moved(given)
    assert given.service.record().holds == ()


def test_a_source_that_does_not_answer_refuses_nothing(tmp_path: Path) -> None:
    given = world(tmp_path, ALIKE)
    given.prometheus.deaf = True
    given.begin()
    assert given.go().result == "promoted"


def test_a_gate_for_which_nobody_counts_is_refused(tmp_path: Path) -> None:
    given = world(tmp_path, {**CANARY, "gate": {"latency": {"within": "300ms"}}}, metricsProfile={"queue": "waiting"})
    with pytest.raises(
        Refused, match=r"gate\.errors: the metrics profile has no counter of requests(.|\n)*gate\.latency"
    ):
        given.begin()


@pytest.mark.slow  # waits for a real deadline
def test_what_a_slot_lacks_is_told_at_the_deadline(tmp_path: Path) -> None:
    given = world(tmp_path, CANARY)
    given.begin()
    given.prometheus.traffic = 0
    given.prometheus.exported = {"my_total"}
    outcome = given.go()
    assert outcome.result == "inconclusive"
    assert "slot green has no series http_requests_total; it has my_total" in outcome.said
