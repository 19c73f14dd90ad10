"""The simulation behind `slipway size`, compared with a running service: three loads, predicted and measured.

The model waits 40 ms in the worker thread, as one does whose device computes: server, queue, proxy and pods are real,
and none gets slower because two pods, the proxy and the sender share two cores (docs/sizing.md has one that does).
What a request takes alone is measured through the proxy; the part that a worker thread takes of it, which is what
queues, is the servers' own metric. Predicted is what becomes of it when requests come at random (Poisson) and two pods
get them in turn.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from sizing.arrivals import Course, measured
from sizing.simulation import Plan, simulate
from tests.cluster import faulty, seen
from tests.cluster.copies import MANAGEMENT_PORT, Copy, entry, image, running, service
from tests.cluster.releasing import MODEL, QUEUE
from tests.cluster.stack import Json, Stack
from tests.cluster.traffic import Ingress

pytestmark = pytest.mark.long

NAME, SERVICE, PODS = "planned", "reader", 2
DEVICE_SECONDS = 0.04
ALONE_PER_SECOND, ALONE_SECONDS = 4, 30
LOADED_SECONDS, SETTLE_SECONDS = 70, 5
BUSY = (0.3, 0.5, 0.7)
"""Planned utilization of each pod."""
SEEDS = range(20)
WITHIN = 0.15
"""Allowed error of the predicted p95, as a share of the measured p95."""


@dataclass(frozen=True)
class Alone:
    """Times of requests that do not wait, in seconds."""

    times: tuple[float, ...]
    inference: float
    """Mean time in the worker thread, which serves one request at a time."""

    @property
    def around(self) -> float:
        """Mean time in network, proxy and event loop, which handle many requests at once."""
        return mean(self.times) - self.inference

    def p95(self, rate: float, seed: int) -> float:
        """Predict the 95th percentile at a rate."""
        inside = measured([time - self.around for time in self.times])
        plan = Plan(course=Course.level(rate), seconds=600, draw=inside, pods=PODS, warm_up=10)
        return self.around + simulate(plan, seed).quantile(0.95)


@dataclass(frozen=True)
class Planned:
    """The service and its load."""

    copy: Copy
    ingress: Ingress
    body: bytes
    folder: Path

    def asked(self, per_second: float, seconds: float, seed: int | None = None) -> list[float]:
        """Send random arrivals for this time; return the seconds of each answer after the first few."""
        with seen.running(self.ingress, self.body, self.folder, per_second=per_second, seed=seed) as load:
            time.sleep(SETTLE_SECONDS)
            began = time.time()
            time.sleep(seconds)
            ended = time.time()
        answers = load.since(began, ended)
        assert all(answer.good for answer in answers), seen.tally(answers)
        return [answer.seconds for answer in answers]

    def inferences(self) -> tuple[float, float]:
        """Return the total seconds and the number of all inferences, as counted by the pods."""
        addresses = [pod["status"]["podIP"] for pod in self.copy.pods(SERVICE)]
        pages = [httpx.get(f"http://{address}:{MANAGEMENT_PORT}/metrics").text for address in addresses]
        found = [sample for page in pages for family in families(page) for sample in family.samples]
        seconds, number = (
            sum(sample.value for sample in found if sample.name == f"inference_duration_seconds_{part}")
            for part in ("sum", "count")
        )
        return seconds, number


@pytest.fixture(scope="module")
def planned(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]
) -> Iterator[Planned]:
    one = service(NAME, MODEL, server={"queueLimit": QUEUE}, scaling={"replicas": PODS})
    slow = faulty.image(image("server"), faulty.Fault(busy=DEVICE_SECONDS))
    release: Json = {SERVICE: {"live": "blue", "slots": {"blue": {"image": slow}}}}
    with running(stack, tmp_path_factory.mktemp(NAME), entry(NAME, {SERVICE: one}), release) as copy:
        yield Planned(copy, copy.ingress(SERVICE), pictures[0][0], tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def alone(planned: Planned) -> Alone:
    seconds, number = planned.inferences()
    times = planned.asked(ALONE_PER_SECOND, ALONE_SECONDS)
    more, further = planned.inferences()
    return Alone(tuple(times), (more - seconds) / (further - number))


@pytest.mark.parametrize("busy", BUSY)
def test_the_predicted_95th_percentile_is_the_measured_one(
    planned: Planned, alone: Alone, busy: float, facts: list[str]
) -> None:
    rate = busy * PODS / alone.inference
    times = planned.asked(rate, LOADED_SECONDS, seed=round(100 * busy))
    found, predicted = _p95(times), mean(alone.p95(rate, seed) for seed in SEEDS)
    off = predicted / found - 1
    facts.append(
        f"sizing: {rate:.1f} requests/s of {1000 * mean(alone.times):.1f} ms, {1000 * alone.inference:.1f} ms of that "
        f"in a worker thread, on {PODS} pods, busy {busy:.0%}: p95 predicted {1000 * predicted:.1f} ms, measured "
        f"{1000 * found:.1f} ms of {len(times)} ({off:+.1%}); mean {1000 * mean(times):.1f} ms"
    )
    assert abs(off) <= WITHIN


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]
