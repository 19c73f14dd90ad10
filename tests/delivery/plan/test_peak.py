"""What a release takes from the cluster, stage by stage."""

from decimal import Decimal
from typing import Any

import pytest

from delivery.plan.peak import StageCost, costs, peak, table
from delivery.plan.stages import course
from models.release import ServiceRelease
from tests.delivery.runs import BEFORE, TARGET, autoscaled, back, run, spec

CANARY = {"strategy": "canary"}
CONSTANT = {"strategy": "canary", "capacity": "constant"}
GPU = {
    "requests": {"cpu": "1500m", "memory": "1Gi"},
    "limits": {"cpu": "2", "memory": "2Gi"},
    "devices": {"nvidia.com/gpu": 2},
}


def at(found: tuple[StageCost, ...], title: str) -> StageCost:
    return next(cost for cost in found if cost.title == title)


def test_each_stage_of_the_course_has_its_cost() -> None:
    service = spec(CANARY)
    assert [cost.title for cost in costs(service, run())] == [stage.title for stage in course(service, run())]


def test_a_rolling_update_takes_the_surge_of_its_deployment_beside_the_live_pods() -> None:
    service = spec({"strategy": "rolling"}, rollout={"maxSurge": 2})
    (rolled,) = costs(service, run(candidate="blue"))
    assert (dict(rolled.pods), rolled.surge, rolled.total, rolled.above) == ({"blue": 4}, 2, 6, 2)


def test_a_surge_in_percent_is_rounded_up_as_kubernetes_does() -> None:
    (rolled,) = costs(spec({"strategy": "rolling"}, rollout={"maxSurge": "30%"}), run(candidate="blue"))
    assert (dict(rolled.pods), rolled.surge) == ({"blue": 4}, 2)


def test_a_rolling_update_without_a_surge_takes_nothing_more() -> None:
    service = spec({"strategy": "rolling"}, rollout={"maxSurge": 0, "maxUnavailable": 1})
    (rolled,) = costs(service, run(candidate="blue"))
    assert (rolled.total, rolled.above) == (4, 0)


@pytest.mark.parametrize("strategy", [{"strategy": "blueGreen"}, CANARY, {"strategy": "ab"}], ids=str)
def test_with_surge_both_slots_stand_beside_one_another(strategy: dict[str, Any]) -> None:
    most = peak(costs(spec(strategy), run()))
    assert (most.total, most.above) == (8, 4)


def test_an_autoscaled_canary_grows_with_its_share_of_the_requests() -> None:
    found = costs(spec(CANARY, scaling=autoscaled(least=1)), run(pods=4))
    steps = [dict(cost.pods) for cost in found if cost.title.startswith("step")]
    assert steps == [{"blue": 4, "green": 1}, {"blue": 4, "green": 2}, {"blue": 4, "green": 4}]
    assert dict(found[-1].pods) == {"green": 4}, "its autoscaler keeps what the requests take"


def test_an_autoscaled_slot_is_never_counted_above_its_ceiling() -> None:
    (rolled,) = costs(spec({"strategy": "rolling"}, scaling=autoscaled(most=4)), run(candidate="blue", pods=9))
    assert rolled.pods == {"blue": 4}


def test_what_goes_is_counted_until_the_next_stage_because_pulumi_deletes_last() -> None:
    drained = at(costs(spec(CANARY), run()), "drain")
    assert (dict(drained.pods), dict(drained.most)) == ({"green": 4}, {"blue": 4, "green": 4})


@pytest.mark.parametrize("pods", [2, 3, 4, 8])
@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "ab"])
def test_at_constant_capacity_no_stage_takes_more_than_what_runs_now(strategy: str, pods: int) -> None:
    service = spec({"strategy": strategy, "capacity": "constant"}, scaling={"replicas": pods})
    found = costs(service, run(pods=pods))
    assert {cost.title: cost.above for cost in found if cost.above} == {}
    assert found[-1].pods == {"green": pods}, "in the end it has all of them"


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "ab"])
def test_the_way_back_at_constant_capacity_takes_no_more_either(strategy: str) -> None:
    service = spec({"strategy": strategy, "capacity": "constant"})
    stages = [stage for stage in course(service, run()) if len(stage.release.slots) > 1]
    assert len(stages) > 2
    for stage in stages:
        returned = costs(service, back(stage.release))
        assert peak(returned).total <= 4, stage.title
        assert returned[-1].pods == {"blue": 4}


def test_one_pod_cannot_be_shared_and_the_peak_says_so() -> None:
    most = peak(costs(spec(CONSTANT, scaling={"replicas": 1}), run(pods=1)))
    assert (most.total, most.above) == (2, 1)


def test_a_service_without_a_route_shares_by_pods() -> None:
    found = costs(spec({"strategy": "canary", "steps": [20, 100]}, scaling=autoscaled(), route=None), run())
    assert at(found, "step 20 %").pods == {"blue": 4, "green": 1}
    assert peak(found).total == 8


def test_the_requests_are_those_of_all_pods_with_their_devices() -> None:
    found = costs(spec(CANARY, resources=GPU), run())
    assert peak(found).requests == {
        "cpu": Decimal(12),
        "memory": Decimal(8 * 1024**3),
        "nvidia.com/gpu": Decimal(16),
    }


def test_another_number_of_pods_alone_replaces_none() -> None:
    found = costs(spec(CONSTANT, rollout={"maxSurge": 3}), run())
    assert {cost.surge for cost in found} == {0}


def test_the_way_back_counts_from_what_was_declared_when_it_turned() -> None:
    left = ServiceRelease(live="blue", slots={"blue": BEFORE, "green": TARGET}, weight=50)
    assert [(cost.title, cost.total, cost.above) for cost in costs(spec(CANARY), back(left))] == [
        ("close", 8, 0),
        ("empty", 8, 0),
    ]


def test_going_back_in_place_surges_again() -> None:
    left = ServiceRelease(live="blue", slots={"blue": TARGET})
    (unrolled,) = costs(spec({"strategy": "rolling"}), back(left, candidate="blue"))
    assert (unrolled.title, unrolled.total) == ("unroll", 5)


def test_the_peak_is_the_first_of_the_greatest() -> None:
    assert peak(costs(spec(CANARY), run())).title == "fill"


def test_the_table_has_a_row_for_each_stage_and_says_what_is_above_now() -> None:
    service = spec({"strategy": "rolling"}, resources=GPU, scaling={"replicas": 2})
    assert table(costs(service, run(candidate="blue", pods=2))) == [
        ["stage", "pods", "at most", "above now", "cpu", "memory", "nvidia.com/gpu"],
        ["roll", "blue 2", "3", "+1", "4500m", "3Gi", "6"],
    ]


def test_the_table_leaves_nothing_above_now_empty() -> None:
    assert {row[3] for row in table(costs(spec(CONSTANT), run()))[1:]} == {""}
