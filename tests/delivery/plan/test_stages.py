"""The states that a release declares, one after another."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.plan.stages import Stage, course, pods_needed, shared_pods
from models.delivery import Run
from models.release import Match, ServiceRelease, SlotRelease
from models.service import ServiceSpec
from tests.delivery.runs import BEFORE, STABLE, TARGET, autoscaled, back, run, spec
from tests.each import each

STRATEGIES: list[dict[str, Any]] = [
    {"strategy": "rolling"},
    *(
        {"strategy": strategy, "capacity": capacity}
        for strategy in ("blueGreen", "canary", "ab")
        for capacity in ("surge", "constant")
    ),
]
SLOTTED = STRATEGIES[1:]
CANARY = {"strategy": "canary"}


def titles(service: ServiceSpec, of: Run) -> list[str]:
    return [stage.title for stage in course(service, of)]


def of(strategy: dict[str, Any], **changes: object) -> Run:
    return run(**{"candidate": "blue" if strategy["strategy"] == "rolling" else "green", **changes})


def pods(service: ServiceSpec, stage: Stage) -> dict[str, int]:
    return {slot: pods_needed(service, content) for slot, content in stage.release.slots.items()}


@pytest.mark.parametrize(
    ("strategy", "stages"),
    [
        ({"strategy": "rolling"}, "roll"),
        ({"strategy": "blueGreen"}, "fill, verify, step 100 %, promote, drain"),
        (CANARY, "fill, step 10 %, step 50 %, step 100 %, promote, drain"),
        ({"strategy": "ab"}, "fill, compare 50 %, step 100 %, promote, drain"),
        ({"strategy": "ab", "weight": 100}, "fill, compare 100 %, promote, drain"),
    ],
    ids=str,
)
def test_a_strategy_has_these_stages(strategy: dict[str, Any], stages: str) -> None:
    assert ", ".join(titles(spec(strategy), of(strategy))) == stages


def test_an_autoscaled_canary_gets_its_pods_before_its_requests() -> None:
    assert titles(spec(CANARY, scaling=autoscaled(1)), run()) == [
        *("fill", "step 10 %", "scale", "step 50 %", "scale", "step 100 %", "promote", "drain")
    ]


def test_at_constant_capacity_the_live_slot_gives_up_its_pods_first() -> None:
    service = spec({"strategy": "canary", "capacity": "constant"})
    assert [(stage.title, pods(service, stage)) for stage in course(service, run())] == [
        ("shrink", {"blue": 3}),
        ("fill", {"blue": 3, "green": 1}),
        ("step 10 %", {"blue": 3, "green": 1}),
        ("shrink", {"blue": 2, "green": 1}),
        ("scale", {"blue": 2, "green": 2}),
        ("step 50 %", {"blue": 2, "green": 2}),
        ("shrink", {"blue": 1, "green": 2}),
        ("scale", {"blue": 1, "green": 3}),
        ("step 100 %", {"blue": 1, "green": 3}),
        ("promote", {"blue": 1, "green": 3}),
        ("drain", {"green": 3}),
        ("grow", {"green": 4}),
    ]


@pytest.mark.parametrize("strategy", SLOTTED, ids=str)
def test_an_express_release_goes_at_once_and_unjudged(strategy: dict[str, Any]) -> None:
    service = spec({**strategy, "approval": True})
    stages = course(service, run(express=True))
    assert [stage.title for stage in stages] == ["fill", "step 100 %", "promote", "drain"]
    assert not any(stage.gate or stage.approval or stage.waits for stage in stages)


@each("strategy", STRATEGIES)
def test_the_last_state_is_the_target_alone_as_a_stack_file_would_say_it(strategy: dict[str, Any]) -> None:
    last = course(spec(strategy), of(strategy))[-1].release
    assert last == ServiceRelease(live=last.live, slots={last.live: TARGET})


@each("strategy", STRATEGIES)
def test_no_request_reaches_new_pods_before_they_are_judged_but_for_the_steps(strategy: dict[str, Any]) -> None:
    stages = course(spec(strategy), of(strategy))
    judged = [stage for stage in stages if stage.name in ("roll", "verify", "step", "compare")]
    assert judged
    assert all(stage.gate for stage in judged)
    assert not any(stage.gate for stage in stages if stage not in judged)


@pytest.mark.parametrize("strategy", SLOTTED, ids=str)
def test_the_approval_comes_before_the_promotion(strategy: dict[str, Any]) -> None:
    stages = course(spec({**strategy, "approval": True}), run())
    (asked,) = (place for place, stage in enumerate(stages) if stage.approval)
    assert stages[asked + 1].name == "promote"


def test_a_step_keeps_its_own_approval_and_hold() -> None:
    steps = [{"weight": 5, "hold": "1m", "approval": True}, 100]
    first, last = (stage for stage in course(spec({"strategy": "canary", "steps": steps}), run()) if stage.gate)
    assert (first.hold, first.approval) == (60, True)
    assert (last.hold, last.approval) == (0, False)


def test_only_a_comparison_waits_until_somebody_decides() -> None:
    assert [stage.title for stage in course(spec({"strategy": "ab"}), run()) if stage.waits] == ["compare 50 %"]


@pytest.mark.parametrize(("strategy", "warm"), [({"warm": "2m"}, 120), ({}, 600)], ids=str)
def test_the_old_slot_stays_warm_after_the_promotion(strategy: dict[str, Any], warm: int) -> None:
    stages = course(spec({**CANARY, **strategy}), run())
    assert {stage.name: stage.warm for stage in stages if stage.warm} == {"promote": warm}


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "ab"])
def test_a_match_holds_while_traffic_is_split_and_ends_with_the_promotion(strategy: str) -> None:
    match = {"header": {"name": "X-Canary"}}
    stages = course(spec({"strategy": strategy, "match": match}), run())
    matched = [stage.name for stage in stages if stage.release.match != Match()]
    assert matched == [name for name in (stage.name for stage in stages) if name in ("verify", "step", "compare")]


@pytest.mark.parametrize(
    ("size", "weight", "shared"), [(9, 10, (9, 1)), (4, 50, (4, 4)), (4, 80, (1, 4)), (2, 10, (2, 1)), (1, 99, (1, 1))]
)
def test_behind_one_service_pods_are_shared_as_the_weight_says(size: int, weight: int, shared: tuple[int, int]) -> None:
    assert shared_pods(size, weight) == shared


def split() -> ServiceRelease:
    return ServiceRelease(live="blue", slots={"blue": BEFORE, "green": TARGET}, weight=50)


def test_the_way_back_takes_the_requests_away_before_the_pods() -> None:
    close, empty = course(spec(CANARY), back(split()))
    assert (close.name, close.release.weight, set(close.release.slots)) == ("close", 0, {"blue", "green"})
    assert (empty.name, empty.release) == ("empty", STABLE)


def test_after_a_promotion_the_warm_slot_takes_all_requests_before_it_is_live_again() -> None:
    promoted = ServiceRelease(live="green", slots={"blue": BEFORE, "green": TARGET})
    stages = course(spec(CANARY), back(promoted))
    assert [(s.name, s.release.live, s.release.weight) for s in stages] == [
        ("reopen", "green", 100),
        ("return", "blue", 0),
        ("empty", "blue", 0),
    ]
    assert stages[-1].release == STABLE


def test_an_update_in_place_goes_back_in_place() -> None:
    left = ServiceRelease(live="blue", slots={"blue": TARGET})
    (unrolled,) = course(spec({"strategy": "rolling"}), back(left, candidate="blue"))
    assert (unrolled.name, unrolled.release) == ("unroll", STABLE)


@st.composite
def cases(draw: st.DrawFn) -> tuple[ServiceSpec, Run]:
    """A service of any strategy, size and kind of scaling, and a run of it."""
    strategy, size = draw(st.sampled_from(STRATEGIES)), draw(st.integers(1, 9))
    steps = draw(st.lists(st.integers(1, 99), max_size=4, unique=True).map(lambda weights: [*sorted(weights), 100]))
    if strategy["strategy"] == "canary":
        strategy = {**strategy, "steps": steps}
    if strategy["strategy"] == "ab":
        strategy = {**strategy, "weight": steps[0]}
    scaling = draw(st.sampled_from([{"replicas": size}, autoscaled(1, size), autoscaled(size, 9)]))
    route = {} if draw(st.booleans()) else {"route": None}
    return spec(strategy, scaling=scaling, **route), of(strategy, pods=draw(st.integers(1, size)))


def ways(service: ServiceSpec, going: Run) -> list[tuple[Stage, ...]]:
    """The way there, and back from each of its stages."""
    forward = course(service, going)
    return [forward, *(course(service, back(stage.release, candidate=going.candidate)) for stage in forward)]


@settings(max_examples=50, deadline=None)
@given(cases())
def test_every_stage_is_one_that_a_stack_file_may_declare(case: tuple[ServiceSpec, Run]) -> None:
    for way in ways(*case):
        for stage in way:
            written = stage.release.model_dump(mode="json", by_alias=True, exclude_none=True)
            assert ServiceRelease.model_validate(written) == stage.release, stage.title


@settings(max_examples=50, deadline=None)
@given(cases())
def test_a_slot_with_requests_is_neither_emptied_nor_filled_with_other_pods(case: tuple[ServiceSpec, Run]) -> None:
    for way in ways(*case):
        for before, after in pairwise(way):
            for slot in before.release.slots:
                if before.release.weight_of(slot):
                    assert slot in after.release.slots, f"{before.title} → {after.title}"
                    assert _bytes(before.release.slots[slot]) == _bytes(after.release.slots[slot])


@settings(max_examples=50, deadline=None)
@given(cases())
def test_a_slot_never_gets_requests_in_the_update_that_fills_it(case: tuple[ServiceSpec, Run]) -> None:
    for way in ways(*case):
        for before, after in pairwise(way):
            for slot in after.release.slots.keys() - before.release.slots.keys():
                assert after.release.weight_of(slot) == 0, f"{before.title} → {after.title}"


@settings(max_examples=50, deadline=None)
@given(cases())
def test_every_way_back_ends_at_what_was_there_before(case: tuple[ServiceSpec, Run]) -> None:
    for way in ways(*case)[1:]:
        assert way[-1].release == STABLE


def _bytes(content: SlotRelease) -> SlotRelease:
    return content.model_copy(update={"min_replicas": None, "max_replicas": None})
