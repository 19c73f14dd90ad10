"""Replicas, the HPA's target and the range, from a load and an objective."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.gamma import GammaTime
from models.release import BUILT
from models.service import ServiceSpec
from models.system import DeployedService
from sizing.sizing import BRIEFLY, HPA_TOLERANCE, Demand, Objective, OutOfReachError, Sizing, size
from sizing.summary import advice
from tests.each import each
from tests.samples import Config, accepted, service

PUBLISHED = Demand(rate=50, peak=50, service=GammaTime(0.1))
"""Row C7: 50 requests/s, and 10 that a pod serves."""
CLASSIFIER = replace(PUBLISHED, service=GammaTime(0.1, 0.5), objective=Objective(0.99, 0.5))
SHOP = replace(CLASSIFIER, rate=40, peak=400, ramp=600, cold_start=42)


def test_the_published_example_takes_seven_pods_for_a_planned_use_of_four_fifths() -> None:
    """Six are busy 0.83 of the time, and wholly busy as soon as one is away; seven are below 0.8, and then at 0.83."""
    assert Sizing(PUBLISHED).pods == 7
    assert Sizing(PUBLISHED).busy_without_one == pytest.approx(0.833, abs=1e-3)
    six = Sizing(replace(PUBLISHED, utilization=0.84))
    assert (six.pods, six.busy_without_one) == (6, pytest.approx(1))
    assert six.station.utilization == pytest.approx(0.833, abs=1e-3)


@pytest.mark.parametrize(("rate", "pods"), [(8, 1), (8.01, 2), (48, 6), (48.01, 7), (80, 10)])
def test_use_at_the_limit_is_within_it(rate: float, pods: int) -> None:
    assert Sizing(replace(PUBLISHED, rate=rate, peak=rate)).pods == pods


def test_an_objective_may_take_more_pods_than_the_use() -> None:
    """Exponential times of 100 ms: 0.67 % are longer than 500 ms with no wait at all, of 1 % that may be."""
    strict = Sizing(replace(PUBLISHED, objective=Objective(0.99, 0.5)))
    assert strict.pods == 17
    assert strict.station.late(0.5) < 0.01
    assert not replace(PUBLISHED, objective=Objective(0.99, 0.5)).held(16, 50, 0.8)


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 500), st.floats(0.05, 1.2), st.floats(0.9, 0.99), st.floats(3, 20), st.integers(1, 4))
def test_it_is_the_fewest_pods_that_hold_use_and_objective(
    rate: float, cv: float, share: float, times: float, at_once: int
) -> None:
    service, objective = GammaTime(0.1, cv), Objective(share, 0.1 * times)
    demand = Demand(rate=rate, peak=rate, service=service, concurrency=at_once, objective=objective)
    if service.longer_than(objective.within) >= 1 - share:
        return
    found = Sizing(demand)
    assert found.station.utilization <= 0.8 + 1e-9
    assert found.station.late(objective.within) <= 1 - share
    assert found.pods == 1 or not demand.held(found.pods - 1, rate, 0.8)


def test_a_peak_at_once_must_be_there_before() -> None:
    burst = Sizing(replace(CLASSIFIER, rate=10, peak=50, cold_start=42))
    assert (burst.pods, burst.least, burst.most) == (2, burst.demand.pods(50, BRIEFLY), 7)
    assert burst.least > burst.pods


def test_a_slow_growth_needs_less_there_than_a_fast_one() -> None:
    slow, fast = Sizing(replace(SHOP, ramp=3600)), Sizing(replace(SHOP, ramp=120))
    assert slow.least < fast.least
    assert slow.target > fast.target
    assert slow.most == fast.most == 50


def test_what_runs_at_the_target_survives_the_growth_until_the_new_pods_answer() -> None:
    found = Sizing(SHOP)
    for rate in range(40, 400, 10):
        before_it_acts = rate * 0.1 / (found.target * (1 + HPA_TOLERANCE))
        pods = max(found.least, round(before_it_acts + 0.5 - 1e-9))
        after = SHOP.after(rate)
        assert SHOP.held(min(pods, found.most), after, BRIEFLY), rate


def test_the_delay_is_metric_look_and_cold_start() -> None:
    assert SHOP.delay == 15 + 15 + 42
    assert SHOP.after(40) == pytest.approx(40 + 0.6 * 72)
    assert SHOP.after(399) == 400
    assert replace(SHOP, ramp=0).after(40) == 400


def test_the_target_is_lowered_by_the_tolerance_and_is_the_same_in_requests() -> None:
    found = Sizing(PUBLISHED)
    assert found.target == pytest.approx(0.8 / 1.1)
    assert found.per_pod == pytest.approx(8 / 1.1)


def test_what_nobody_can_run_is_out_of_reach() -> None:
    with pytest.raises(OutOfReachError, match="more than 5000 pods"):
        _ = Sizing(replace(PUBLISHED, rate=1e6, peak=1e6)).pods


LOAD: Config = {"rate": 50, "service": {"mean": "100ms", "cv": 0.5}}
SLO: Config = {"slo": {"latency": {"percent": 99, "within": "500ms"}}}


def spec(scaling: Config, **load: object) -> ServiceSpec:
    return accepted(ServiceSpec, service(load={**LOAD, **load}, monitoring=SLO, scaling=scaling))


def ranged(least: int, most: int, **metrics: object) -> Config:
    return {"minReplicas": least, "maxReplicas": most, "metrics": metrics or {"cpu": {"utilization": 70}}}


QUERY: Config = {"prometheus": {"query": "x", "threshold": 1}}


@each(
    ("scaling", "load", "said"),
    [
        (ranged(3, 10), {}, ""),
        ({"replicas": 7}, {}, ""),
        ({"replicas": 6}, {}, "replicas 6 is below the 7 pods that 50 req/s need; raise it"),
        (ranged(3, 6), {}, "maxReplicas 6 is below the 7 pods that 50 req/s need; raise it"),
        (
            ranged(3, 6),
            {"rate": 10, "peak": 50},
            "maxReplicas 6 is below the 7 pods that 50 req/s need; raise it",
        ),
        (
            ranged(2, 7),
            {"rate": 10, "peak": 50, "coldStart": "42s"},
            (
                "minReplicas 2: 10 req/s grow to 50 in the 72 s that a new pod takes, which needs 7 pods; "
                "raise it, or scale ahead of the peak"
            ),
        ),
        (ranged(2, 7, pods={"http_requests_total": {"average": 1}}), {"rate": 10, "peak": 50}, ""),
        (ranged(7, 7), {"rate": 10, "peak": 50}, ""),
        (
            ranged(2, 7, cpu={"utilization": 90}),
            {},
            ("minReplicas 2: the HPA keeps 6 pods at 50 req/s, which need 7; raise it, or lower the target of the HPA"),
        ),
        (ranged(2, 7, memory={"utilization": 90}), {}, ""),
        ({"minReplicas": 0, "maxReplicas": 9, "triggers": {"a": {"cpu": {"utilization": 70}}, "b": QUERY}}, {}, ""),
    ],
)
def test_what_an_entry_lacks_is_said(scaling: Config, load: Config, said: str) -> None:
    given_ = spec(scaling, **load)
    found = size(given_)
    assert found is not None
    assert "; ".join(found.lacks(given_.scaling)) == said


def test_a_service_without_a_load_is_not_sized() -> None:
    plain = accepted(ServiceSpec, service())
    assert size(plain) is None
    assert list(advice({"web": DeployedService(spec=plain, release=BUILT, revisions={})})) == []


def test_a_cold_start_that_is_not_given_is_the_startup_budget() -> None:
    found = size(spec(ranged(3, 10)))
    assert found is not None
    assert found.demand.cold_start == spec(ranged(3, 10)).health.startup
