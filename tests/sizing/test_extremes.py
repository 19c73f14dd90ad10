"""Whatever the schema accepts can be computed: every margin with any counts, and every load."""

from dataclasses import replace
from math import isfinite, isnan, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from delivery.judge import verdicts
from delivery.judge.samples import seconds_needed
from models.delivery import Arm
from models.gate import Gate, Margin
from models.load import Load
from sizing import summary
from sizing.sizing import Demand, Objective, OutOfReachError, Sizing
from tests.generated import repeatable

pytestmark = pytest.mark.slow

MARGINS = st.one_of(
    st.sampled_from(["0.001", "0.5", "1", "50", "99.999", "100"]),
    st.decimals(min_value="0.001", max_value=100, places=3).map(str),
)
TOTALS = st.one_of(st.sampled_from([0, 1, 2, 10**6, 2**31, 10**10, 10**13]), st.integers(0, 10**7))


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    """Counts of any size, among them none, all and all but one bad."""
    total = draw(TOTALS)
    edge = st.sampled_from([0, min(1, total), total, max(total - 1, 0)])
    return Arm(bad=draw(st.one_of(edge, st.integers(0, total))), total=total)


@repeatable(1500)
@given(margin=MARGINS, candidate=arms(), live=arms())
def test_every_margin_judges_any_counts(margin: str, candidate: Arm, live: Arm) -> None:
    points = float(TypeAdapter(Margin).validate_python(margin))
    for judge in (verdicts.judge, verdicts.judge_alone):
        found = judge(candidate, live, points, final=False)
        assert found in ("pass", "fail", None)
        assert judge(candidate, live, points, final=True) == (found or "inconclusive")
        if found == "pass":
            assert candidate.total > 0
        if found == "fail":
            assert candidate.bad > 0
    assert verdicts.wanted(live, points) >= 1
    assert verdicts.wanted(None, points) >= 1


@pytest.mark.parametrize("margin", ["0", "-1", "100.001", "0.0001", "nan"])
def test_other_margins_are_refused(margin: str) -> None:
    with pytest.raises(ValidationError):
        Gate.model_validate({"errors": {"margin": margin}})


def arm(bad: int, total: int) -> Arm:
    return Arm(bad=bad, total=total)


@pytest.mark.parametrize(
    ("candidate", "live", "margin", "found"),
    [
        (arm(0, 100), arm(0, 100), 100, "pass"),
        (arm(100, 100), arm(0, 100), 100, "fail"),
        (arm(99, 100), arm(100, 100), 100, "pass"),
        (arm(0, 10**9), arm(0, 10**9), 0.001, "pass"),
        (arm(10, 10**10), arm(0, 10**10), 0.001, "pass"),
        (arm(10**6, 10**10), arm(0, 10**10), 0.001, "fail"),
    ],
)
def test_the_edges_are_judged_as_the_middle_is(candidate: Arm, live: Arm, margin: float, found: str) -> None:
    assert verdicts.judge(candidate, live, margin, final=False) == found


@pytest.mark.parametrize("total", [10**4, 10**9, 10**15])
def test_the_opposite_is_given_the_share_that_fits_best(total: int) -> None:
    """A share that is off by a fixed 1e-8 is worth hundreds of nats in so many requests, all of them evidence."""
    candidate, live, step = arm(total // 3000, total), arm(total // 700, total), 1e-3

    def fits(share: float) -> float:
        return sum(
            one.bad * log(at) + (one.total - one.bad) * log1p(-at)
            for one, at in ((candidate, share + step), (live, share))
        )

    found = verdicts._best_share(candidate, live, step)  # pyright: ignore[reportPrivateUsage]
    best = max(fits(found * (1 + off * 10.0**-power)) for power in range(2, 10) for off in (-1, 1))
    assert fits(found) >= best - 0.1


@st.composite
def loads(draw: st.DrawFn) -> Load:
    """What an entry may say about its load."""
    power = st.floats(0, 1)
    rate = 10 ** (-3 + 9 * draw(power))
    peak = draw(st.one_of(st.none(), power.map(lambda more: min(1e6, rate * 10 ** (2 * more)))))
    mean = int(10 ** (6 * draw(power)))
    spread = draw(st.one_of(st.sampled_from([0.05, 1.0, 4.0]), st.floats(0.05, 4)))
    concurrency = int(10 ** (3 * draw(power)))
    grows = peak is not None and peak > rate
    return Load.model_validate(
        {
            "rate": rate,
            "peak": peak,
            "ramp": draw(st.sampled_from(["0s", "1s", "10m"])) if grows else "0s",
            "service": {"mean": f"{max(mean, 1)}ms", "cv": spread},
            "concurrency": concurrency,
        }
    )


@repeatable(150)
@given(load=loads(), wide=st.floats(0.5, 50), share=st.sampled_from([None, 0.5, 0.99, 0.999]))
def test_every_load_is_sized_or_said_to_be_out_of_reach(load: Load, wide: float, share: float | None) -> None:
    demand = Demand.of(load, None, 60)
    if share is not None:
        objective = Objective(share, demand.service.seconds * wide)
        if demand.service.longer_than(objective.within) >= 1 - share:
            return  # the schema refuses it: `models.load.faults`
        demand = replace(demand, objective=objective)
    try:
        found = Sizing(demand)
        line = summary.line(found)
    except OutOfReachError:
        return
    assert not isnan(found.station.mean)
    assert isfinite(found.station.quantile(0.95))
    assert "nan" not in line


def test_uneven_service_times_on_several_places_are_sized() -> None:
    """The tail's rate of decay is nearer to where its transform ends than floats can tell."""
    load = Load.model_validate({"rate": 2.0, "service": {"mean": "10ms", "cv": 4.0}, "concurrency": 8})
    assert Sizing(Demand.of(load, None, 60)).pods == 1


@pytest.mark.parametrize("weight", [0, 1, 99, 100])
@pytest.mark.parametrize("margin", [0.001, 100])
def test_the_time_that_a_verdict_takes_is_known_or_unknown(margin: float, weight: int) -> None:
    found = seconds_needed(verdicts.wanted(None, margin), 1, weight)
    assert found is None if weight == 0 else found is not None
