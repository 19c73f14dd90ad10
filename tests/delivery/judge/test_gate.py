"""What one look at a stage says: pass, fail, or not enough yet; and never more than the numbers show."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from delivery.errors import MetricsUnavailable
from delivery.judge import webhook
from delivery.judge.gate import GateKeeper, Look
from delivery.metrics.prometheus import Prometheus, Tally
from delivery.metrics.sources import Target
from models.delivery import Arm, CheckResult
from models.gate import Gate
from tests.samples import SLIPWAY

TARGET = Target(
    namespace="ml",
    service="digits",
    slots={"live": "blue", "candidate": "green"},
    routed=True,
    driver="nginx",
    proxy="traefik",
    profile=SLIPWAY,
)
ACCURACY = {"accuracy": {"query": 'a{n="{namespace}",s="{service}",slot="{slot}"}[{window}]', "min": 0.9}}
GOOD = Tally(total=4000, errors=40, times={"duration": Arm(bad=80, total=4000)})
MUCH = {"live": GOOD, "candidate": GOOD}
HOOK: dict[str, Any] = {"webhook": {"url": "http://checks.example.com"}}


class Known(Prometheus):
    """A source that knows these numbers."""

    def __init__(self, counts: Mapping[str, Tally] | None, value: float | None = None) -> None:
        super().__init__("http://prometheus")
        self.known, self.number = counts, value
        self.asked: list[Any] = []

    def counts(
        self, target: Target, since: float, within: Mapping[str, int], until: float | None = None
    ) -> dict[str, Tally]:
        self.asked.append((since, within, until))
        if self.known is None:
            raise MetricsUnavailable("http://prometheus does not answer: connection refused")
        return {role: self.known[role] for role in target.slots}

    def value(self, query: str) -> float | None:
        self.asked.append(query)
        return self.number


def keeper(source: Known, target: Target = TARGET, **spec: Any) -> GateKeeper:
    return GateKeeper(Gate.model_validate(spec), source, target, notify=lambda: {"service": "digits"})


def look(counts: Mapping[str, Tally] | None, value: float | None = None, **spec: Any) -> Look:
    return keeper(Known(counts, value), **spec).look(100.0, 160.0)


def answers(monkeypatch: pytest.MonkeyPatch, *results: str) -> list[dict[str, Any]]:
    """Let the webhook say this, one after another; give what it is sent."""
    sent: list[dict[str, Any]] = []
    queue = list(results)

    def ask(_: object, body: dict[str, Any]) -> CheckResult:
        sent.append(body)
        return CheckResult.model_validate({"result": queue.pop(0), "said": "webhook: said so"})

    monkeypatch.setattr(webhook, "ask", ask)
    return sent


def test_alike_slots_pass_with_their_numbers() -> None:
    found = look(MUCH, latency={"within": "300ms"})
    assert (found.result, found.samples) == ("pass", 4000)
    assert 1800 < found.wanted < 2000
    assert found.said == (
        "errors 1 % against 1 %, limit +1; latency 2 % against 2 %, limit +5"
    )  # fmt: skip
    assert found.checks["latency"].candidate == Arm(bad=80, total=4000)


def test_many_more_errors_fail_long_before_the_minimum_sample() -> None:
    found = look({"live": GOOD, "candidate": Tally(total=60, errors=12)})
    assert found.result == "fail"
    assert found.said == "errors 20 % against 1 %, limit +1"
    assert found.samples < found.wanted


def test_slow_answers_alone_fail() -> None:
    slow = dataclasses.replace(GOOD, times={"duration": Arm(bad=2000, total=4000)})
    found = look({"live": GOOD, "candidate": slow}, latency={"within": "300ms"})
    assert (found.result, found.checks["errors"].result) == ("fail", "pass")
    assert found.said == "latency 50 % against 2 %, limit +5"


def test_an_outage_that_both_slots_share_is_not_the_new_ones_fault() -> None:
    broken = Tally(total=4000, errors=1200)
    assert look({"live": broken, "candidate": broken}).result != "fail"


def test_too_few_requests_are_told_and_never_pass() -> None:
    found = look({"live": GOOD, "candidate": Tally(total=312)})
    assert found.result is None
    assert found.said.startswith(f"312 of {found.wanted:,} requests; errors 0 % against 1 %")


def test_a_sample_that_shows_nothing_clear_is_told_to_be_no_matter_of_its_size() -> None:
    worse = {"live": Tally(total=4000, errors=40), "candidate": Tally(total=4000, errors=65)}
    found = look(worse)
    assert (found.result, found.said) == (None, "4,000 requests, not yet clear; errors 1.6 % against 1 %, limit +1")


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"live": GOOD, "candidate": Tally()}, "no requests to the new slot"),
        ({"live": Tally(), "candidate": GOOD}, "no requests to the live slot to compare with"),
        ({"live": Tally(), "candidate": Tally()}, "no requests to the new slot"),
        (None, "metrics source: http://prometheus does not answer: connection refused"),
    ],
)
def test_no_traffic_and_a_dead_source_are_neither_pass_nor_fail(counts: dict[str, Tally] | None, said: str) -> None:
    found = look(counts, latency={"within": "300ms"})
    assert found.result is None
    assert said in found.said


def test_a_dead_histogram_holds_what_the_proxy_alone_would_let_pass() -> None:
    untimed = dataclasses.replace(GOOD, times={"duration": Arm(bad=0, total=0)})
    found = look({"live": GOOD, "candidate": untimed}, latency={"within": "300ms"})
    assert (found.result, found.samples) == (None, 0)


def test_what_was_answered_before_stands_in_for_a_live_slot_that_answers_nothing_more() -> None:
    gate = keeper(Known({"live": Tally(total=3, errors=3), "candidate": GOOD}))
    assert gate.look(100, 160).result is None
    found = gate.look(100, 160, before={"errors": Arm(bad=40, total=4000)})
    assert (found.result, found.checks["errors"].live) == ("pass", Arm(bad=40, total=4000))


@pytest.mark.parametrize(("errors", "result"), [(0, "pass"), (400, "fail")])
@pytest.mark.parametrize("before", [{}, {"errors": Arm(bad=0, total=0)}])
def test_without_anything_before_the_new_one_is_judged_by_itself(
    errors: int, result: str, before: dict[str, Arm]
) -> None:
    found = keeper(Known({"live": Tally(), "candidate": Tally(total=4000, errors=errors)})).look(
        100, 160, before=before
    )
    assert found.result == result
    assert found.said.endswith("without a baseline, limit 1 %")
    assert found.checks["errors"].live is None


def test_too_few_requests_before_are_told_and_not_compared_with() -> None:
    few = {"errors": Arm(bad=0, total=60)}
    found = keeper(Known({"live": Tally(), "candidate": Tally(total=4000)})).look(100, 160, before=few)
    assert (found.result, found.checks["errors"].live) == ("pass", few["errors"])
    assert found.said == "errors 0 % without a baseline, limit 1 % (60 earlier requests are too few to compare with)"


def test_a_roll_in_place_is_compared_with_the_time_before_it() -> None:
    target = dataclasses.replace(TARGET, slots={"candidate": "blue"})
    source = Known({"candidate": GOOD})
    gate = keeper(source, target)
    before = gate.earlier(40, 100)
    assert (before, source.asked[-1]) == ({"errors": Arm(bad=40, total=4000)}, (40, {}, 100))
    assert "against 1 %" in gate.look(100, 160, before=before).said


def test_what_stood_before_is_the_live_slots() -> None:
    source = Known({"live": GOOD, "candidate": Tally(total=7)})
    gate = keeper(source, latency={"within": "300ms"})
    assert gate.earlier(40, 100) == {"errors": Arm(bad=40, total=4000), "latency": Arm(bad=80, total=4000)}


def test_before_any_traffic_only_checks_and_webhook_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answers(monkeypatch, "pass")
    source = Known(None, 0.95)
    found = keeper(source, checks=ACCURACY, **HOOK).look(100, 160, judged=False)
    assert (found.result, found.wanted, set(found.checks)) == ("pass", 0, {"accuracy", "webhook"})
    assert sent == [{"service": "digits"}]


def test_a_stage_that_asks_nothing_says_so() -> None:
    found = keeper(Known(None)).look(100, 160, judged=False)
    assert (found.result, found.said) == ("pass", "nothing is judged at this stage")


def test_without_the_error_criterion_nobodys_requests_are_waited_for() -> None:
    found = look(None, 0.95, errors=None, checks=ACCURACY)
    assert (found.result, found.wanted) == ("pass", 0)


def test_a_check_is_asked_about_the_new_slot_in_this_window() -> None:
    source = Known(MUCH, 0.95)
    found = keeper(source, checks=ACCURACY).look(100.0, 160.9)
    assert 'a{n="ml",s="digits",slot="green"}[60s]' in source.asked
    assert (found.result, found.checks["accuracy"].value) == ("pass", 0.95)
    assert found.checks["accuracy"].said == "accuracy 0.95, at least 0.9"


@pytest.mark.parametrize(
    ("bounds", "value", "result"),
    [
        ({"min": 0.9}, 0.89, "fail"),
        ({"min": 0.9}, 0.9, "pass"),
        ({"max": 5}, 5.1, "fail"),
        ({"max": 5}, 5.0, "pass"),
        ({"min": 1, "max": 5}, 0.5, "fail"),
    ],
)
def test_a_check_passes_up_to_its_bounds(bounds: dict[str, float], value: float, result: str) -> None:
    found = look(MUCH, value, checks={"depth": {"query": "depth", **bounds}})
    assert (found.result, found.checks["depth"].result) == (result, result)


def test_a_check_without_data_holds_the_release() -> None:
    found = look(MUCH, None, checks=ACCURACY)
    assert found.result is None
    assert "accuracy: no data yet" in found.said


def test_a_checks_first_numbers_fail_nothing() -> None:
    found = look({"live": GOOD, "candidate": Tally(total=5)}, 0.2, checks=ACCURACY)
    assert (found.result, found.checks["accuracy"].result) == (None, "inconclusive")
    assert "accuracy 0.2, at least 0.9" in found.said


@pytest.mark.parametrize(("answer", "result"), [("pass", "pass"), ("fail", "fail"), ("inconclusive", None)])
def test_the_webhook_has_the_last_word(monkeypatch: pytest.MonkeyPatch, answer: str, result: str | None) -> None:
    answers(monkeypatch, answer)
    found = look(MUCH, **HOOK)
    assert (found.result, found.checks["webhook"].result) == (result, answer)


def test_the_webhook_is_not_asked_while_anything_else_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answers(monkeypatch)
    assert look({"live": GOOD, "candidate": Tally(total=5)}, **HOOK).result is None
    assert look({"live": GOOD, "candidate": Tally(total=60, errors=12)}, **HOOK).result == "fail"
    assert sent == []


def test_a_webhooks_pass_ends_its_question(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answers(monkeypatch, "pass")
    gate = keeper(Known(MUCH), **HOOK)
    assert [gate.look(100, now).result for now in (160, 200, 400)] == ["pass"] * 3
    assert len(sent) == 1
    again = GateKeeper(
        Gate.model_validate(HOOK), Known(MUCH), TARGET, notify=dict[str, Any],
        answered=CheckResult(result="pass", said="webhook: 200"),
    )  # fmt: skip
    assert (again.look(100, 160).result, len(sent)) == ("pass", 1)


def test_a_webhook_without_an_answer_is_asked_again_later_and_not_at_every_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent = answers(monkeypatch, "inconclusive", "pass")
    gate = keeper(Known(MUCH), **HOOK)
    results = [gate.look(100, now).result for now in (160, 161, 164.9, 165)]
    assert (results, len(sent)) == ([None, None, None, "pass"], 2)


def test_more_errors_than_answers_stay_numbers() -> None:
    """A counter of errors of its own may be scraped later than the counter of all answers."""
    found = look({"live": GOOD, "candidate": Tally(total=4000, errors=4100)})
    assert found.checks["errors"].candidate == Arm(bad=4000, total=4000)


def test_each_histogram_is_a_criterion_of_its_own() -> None:
    """The whole answer is as fast as before, and its first token is late."""
    late = {"duration": Arm(bad=80, total=4000), "first-token": Arm(bad=2000, total=4000)}
    early = {**late, "first-token": Arm(bad=80, total=4000)}
    counts = {"live": dataclasses.replace(GOOD, times=early), "candidate": dataclasses.replace(GOOD, times=late)}
    source = Known(counts)
    gate = keeper(source, latency={"within": "300ms"}, histograms={"first-token": {"within": "100ms", "margin": 5}})
    found = gate.look(100, 160)
    assert source.asked[0][1] == {"duration": 300, "first-token": 100}
    assert (found.result, found.said) == ("fail", "first-token 50 % against 2 %, limit +5")
    assert found.checks["latency"].result == "pass"
