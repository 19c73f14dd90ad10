"""The server benchmark: how it searches, what it reads from answers and vegeta, and what its last line compares."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.server.contestants import LOCKS, OURS, contestants
from bench.server.figures import Figures, best, figures, ratios
from bench.server.load import Answers, answers
from bench.server.measure import DEFAULT, QUICK, Round
from bench.server.model import open_inference, plain, probabilities
from bench.server.search import highest
from serving.http.tensor_requests import InferenceRequest
from serving.models.onnx import MODEL_FILE
from serving.payloads.generic.model import EXAMPLE_FILE

ROWS = [[0.5, 1.5]]
ROUND = Round(cold_start=1.0, first=1.1, idle=60.0, loaded=70.0, p50=1.0, p99=4.0, good=1.0, throughput=1000)


def bearing(limit: int) -> tuple[Callable[[int], bool], list[int]]:
    """A server that bears a rate, and the rates that it was asked for."""
    asked: list[int] = []

    def held(rate: int) -> bool:
        asked.append(rate)
        return rate <= limit

    return held, asked


@pytest.mark.parametrize("limit", [760, 900, 1000, 1149])
def test_five_steps_find_the_rate_within_three_percent_of_the_most(limit: int) -> None:
    held, asked = bearing(limit)
    assert limit - 30 <= highest(held, 1000, 5) <= limit
    assert len(asked) == 5


def test_a_server_far_below_its_closed_loop_is_found_too() -> None:
    held, _ = bearing(200)
    assert 150 <= highest(held, 1000, 5) <= 200


def test_a_server_that_bears_nothing_has_zero() -> None:
    held, asked = bearing(-1)
    assert highest(held, 10, 20) == 0
    assert len(asked) < 20


def report(**changes: object) -> dict[str, object]:
    latencies = {"50th": 2_000_000, "99th": 40_000_000}
    return {"latencies": latencies, "throughput": 99.0, "success": 1, **changes}


def test_a_report_is_read_in_milliseconds() -> None:
    assert answers(100, report()) == Answers(wanted=100, rate=99.0, p50=2.0, p99=40.0, success=1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"success": 0.9999},
        {"throughput": 97.0},
        {"latencies": {"50th": 2_000_000, "99th": 50_100_000}},
    ],
    ids=["an answer failed", "answers lag behind", "slow"],
)
def test_a_rate_is_held_only_if_nothing_is_wrong(changes: dict[str, object]) -> None:
    assert answers(100, report()).held
    assert not answers(100, report(**changes)).held


@pytest.mark.parametrize(
    "answer",
    [
        {"outputs": [{"name": "probabilities", "shape": [1, 2], "datatype": "FP32", "data": [0.25, 0.75]}]},
        [[0.25, 0.75]],
        {"probabilities": [[0.25, 0.75]]},
    ],
    ids=["open inference", "bentoml", "litserve"],
)
def test_the_same_answer_is_read_from_each_servers_words(answer: object) -> None:
    assert probabilities(json.dumps(answer).encode()) == [0.25, 0.75]


def test_an_answer_without_probabilities_is_no_answer() -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        probabilities(b'{"error": "queue full"}')


def test_every_server_is_asked_with_the_same_numbers() -> None:
    request = InferenceRequest.model_validate_json(open_inference(ROWS))
    assert request.inputs[0].shape == [1, 2]
    assert [request.inputs[0].data] == json.loads(plain(ROWS))["measurements"] == ROWS


def of(rounds: list[Round], size: float = 100.0) -> Figures:
    return figures("as it is", rounds, size)


def test_a_figure_is_the_median_of_the_rounds() -> None:
    found = of([replace(ROUND, throughput=one, p99=p99) for one, p99 in ((900, 5.0), (1000, 4.0), (500, 90.0))])
    assert (found.throughput, found.p99) == (900, 5.0)


FOUND = {
    OURS: of([replace(ROUND, throughput=1200, loaded=63.0, p99=2.0, cold_start=1.5)], size=150.0),
    "fast": of([ROUND]),
    "small": of([replace(ROUND, throughput=600, loaded=35.0, cold_start=0.5)], size=75.0),
}


def test_the_best_peer_is_another_one_for_each_figure() -> None:
    assert best(FOUND, "throughput") == "fast"
    assert best(FOUND, "loaded") == "small"


def test_ratios_compare_with_the_best_peer_of_each_figure() -> None:
    found = ratios(FOUND)
    assert found["throughput"] == 1.2
    assert found["memory"] == 1.8
    assert (found["p99"], found["coldStart"], found["size"]) == (0.5, 3.0, 2.0)
    assert found["firstToMedian"] == 1.1


def test_peers_that_bear_nothing_are_no_comparison() -> None:
    stopped = {name: replace(one, throughput=0) for name, one in FOUND.items() if name != OURS}
    with pytest.raises(ValueError, match="busy"):
        ratios({**FOUND, **stopped})


def test_each_configuration_is_one_of_a_server_with_a_lock(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / MODEL_FILE).touch()
    (tmp_path / "model" / EXAMPLE_FILE).write_text(json.dumps({"inputs": {"measurements": ROWS}}))
    every = contestants(tmp_path)
    assert {one.name for one in every} == set(LOCKS)
    assert len({(one.name, one.variant) for one in every}) == len({one.port for one in every}) == len(every)


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", [name for name in LOCKS if name != OURS])
def test_all_compute_with_the_same_runtime(name: str) -> None:
    for package in ("onnxruntime", "numpy"):
        assert pins(LOCKS[name])[package] == pins(LOCKS[OURS])[package]


@pytest.mark.parametrize("name", LOCKS)
def test_each_peer_is_locked_by_hash(name: str) -> None:
    text = LOCKS[name].read_text()
    assert text.count("--hash=sha256:") >= len(pins(LOCKS[name])) > 20


def test_the_whole_run_is_bounded() -> None:
    assert DEFAULT.minutes <= 12
    assert QUICK.minutes <= 3
