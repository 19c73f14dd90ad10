"""Text understanding scales on both of its signals (docs/systems.md, N5 and N6), and survives its metrics source."""

import json
import statistics
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from tests.cluster import harm, seen
from tests.cluster.nlu import SENTENCE, SERVICE, Nlu
from tests.cluster.program import deployed
from tests.cluster.scaled import Scaled
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import until

pytestmark = pytest.mark.long

FLOOR, AVERAGE, WINDOW_SECONDS = 2, 20, 120
QUIET, RUSH = 34, 66
"""Requests per second: 17 per pod of two, then 100 in all."""
SCALING: Json = {
    "minReplicas": FLOOR,
    "maxReplicas": 6,
    "metrics": {
        "cpu": {"utilization": 60},
        "pods": {"http_requests_total": {"average": AVERAGE, "window": f"{WINDOW_SECONDS}s"}},
    },
    # Five minutes by default; everything else is the published entry's.
    "behavior": {"scaleDown": {"stabilization": "15s"}},
}
RESOURCES: Json = {
    "requests": {"cpu": "250m", "memory": "192Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
}
PUBLISHED_SECONDS, PUBLISHED_P95, PUBLISHED_REPLICAS = 42, 0.230, 8
DEAD_SECONDS = WINDOW_SECONDS + 30
"""With its metrics it would have shrunk by then."""


@pytest.fixture(scope="module")
def nlu(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nlu]:
    made = Nlu.laid_out(stack, tmp_path_factory.mktemp("nlu"), scaling=SCALING, resources=RESOURCES)
    with deployed(made):
        yield made


@pytest.fixture(scope="module")
def scaled(nlu: Nlu) -> Scaled:
    return Scaled(nlu, SERVICE)


@contextmanager
def sending(nlu: Nlu, tmp_path_factory: pytest.TempPathFactory, per_second: float) -> Generator[seen.Load]:
    body, folder = json.dumps(SENTENCE).encode(), tmp_path_factory.mktemp("load")
    with seen.running(nlu.ingress(), body, folder, per_second=per_second, content_type="application/json") as load:
        yield load


@pytest.fixture(scope="module", autouse=True)
def quiet(nlu: Nlu, tmp_path_factory: pytest.TempPathFactory) -> Iterator[seen.Load]:
    """A load that two pods bear, through the whole module."""
    with sending(nlu, tmp_path_factory, QUIET) as load:
        yield load


def test_requests_scale_it_out_while_cpu_is_low(
    nlu: Nlu, scaled: Scaled, quiet: seen.Load, tmp_path_factory: pytest.TempPathFactory, facts: list[str]
) -> None:
    until(lambda: _requests(scaled) >= QUIET / FLOOR - 1, WINDOW_SECONDS + 60, "the window is full")
    assert scaled.wanted() == FLOOR
    before, began = {pod["metadata"]["uid"] for pod in scaled.pods()}, time.time()
    with sending(nlu, tmp_path_factory, RUSH) as rush:
        decided, _ = until(lambda: scaled.wanted() > FLOOR, 90, "scaled out")
        cpu = scaled.measured()["cpu"]
        answered, _ = until(
            lambda: any(scaled.answers(pod) for pod in scaled.pods() if pod["metadata"]["uid"] not in before),
            60,
            "a new pod answers",
        )
        time.sleep(30)
        held = [answer for load in (quiet, rush) for answer in load.since(answered) if answer.good]
        lost = seen.machinery(quiet.since(began)) + seen.machinery(rush.since(began))
    p95 = statistics.quantiles([answer.seconds for answer in held], n=20)[-1]
    facts.append(
        f"nlu: {QUIET} → {QUIET + RUSH} requests/s: decided on requests after {decided - began:.1f} s at {cpu:.0f} % "
        f"CPU (target 60), first answer of a new pod after {answered - began:.1f} s (published 42), then P95 "
        f"{1000 * p95:.0f} ms of {len(held)} (published 230); lost {dict(lost)}"
    )
    assert cpu < 60
    assert answered - began <= PUBLISHED_SECONDS
    assert p95 <= PUBLISHED_P95
    assert not lost


def test_without_its_metrics_it_keeps_the_count_and_with_them_it_shrinks_again(
    scaled: Scaled, facts: list[str]
) -> None:
    count = scaled.wanted()
    assert count > FLOOR
    with harm.paused("prometheus"):
        kept = min(scaled.counts(DEAD_SECONDS))
        reason = scaled.condition("ScalingActive")
    assert kept >= count
    assert reason == "FailedGetPodsMetric", reason
    shrunk, _ = until(lambda: scaled.wanted() == FLOOR, 2 * WINDOW_SECONDS + 60, "back at the floor")
    facts.append(
        f"nlu: Prometheus stopped for {DEAD_SECONDS} s with requests gone: {kept} pods kept, then {FLOOR} again"
    )
    assert shrunk


def _requests(scaled: Scaled) -> float:
    return scaled.measured().get("http_requests_total", 0)
