"""Strategies and gates: what a catalogue entry may say about releases."""

from models.gate import Check, Gate
from models.strategy import BlueGreen, Canary, Rolling, SideBySide, Step
from tests.models.tables import AT_LEAST_1, Accepted, Refused, accepting, refusing
from tests.samples import Config, accepted

NEVER_ASKED = "weight is 0 and match is empty, so the new slot would get no requests; set one of them"
RISES = "must rise and end at 100; correct the weights"


def canary(*steps: object) -> Config:
    return {"strategy": "canary", "steps": list(steps)}


ACCEPTED: Accepted = [
    (Rolling, {}),
    (Rolling, {"strategy": "rolling", "approval": True, "soak": "10m", "fresh": "1h"}),
    (BlueGreen, {"strategy": "blueGreen", "warm": "0s", "match": {"header": {"name": "X-Test"}}}),
    (Canary, canary(100)),
    (Canary, canary(1, {"weight": 50, "hold": "5m", "approval": True}, 100)),
    (Canary, {"strategy": "canary", "capacity": "constant"}),
    (SideBySide, {"strategy": "ab"}),
    (SideBySide, {"strategy": "ab", "weight": 0, "match": {"cookie": "beta"}}),
    (Gate, {"errors": None, "checks": {"accuracy": {"query": "x", "min": 0.9}}, "webhook": {"url": "http://a"}}),
    (Gate, {"errors": {"margin": "0.1"}, "latency": {"within": "300ms", "margin": 5}}),
    (Check, {"query": "x", "min": 1, "max": 1}),
]
REFUSED: Refused = [
    (Canary, canary(50, 10, 100), f"steps [50, 10, 100] {RISES}"),
    (Canary, canary(50, 50, 100), f"steps [50, 50, 100] {RISES}"),
    (Canary, canary(10, 50), f"steps [10, 50] {RISES}"),
    (Canary, canary(0, 100), f"steps.0.weight: 0: {AT_LEAST_1}"),
    (Canary, canary(101), "steps.0.weight: 101: must be at most 100"),
    (SideBySide, {"strategy": "ab", "weight": 0}, NEVER_ASKED),
    (Gate, {"errors": {"margin": 0}}, "errors.margin: 0: must be greater than 0"),
    (Gate, {"deadline": "0s"}, f"deadline: 0: {AT_LEAST_1}"),
    (Check, {"query": "x"}, "a check without a bound cannot fail; set min, max or both"),
    (Check, {"query": "x", "min": 2, "max": 1}, "min 2 exceeds max 1, so no value could pass; lower min"),
]  # fmt: skip


test_what_fits_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


def test_a_bare_number_is_a_step_without_a_hold() -> None:
    assert accepted(Canary, canary(10, 100)).steps == (Step(weight=10), Step(weight=100))
