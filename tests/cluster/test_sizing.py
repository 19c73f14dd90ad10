"""The simulation behind `slipway size` against a service that really runs: three loads, predicted and measured.

The model waits 40 ms in the worker thread, as one does whose device computes: server, queue, proxy and pods are real,
and none gets slower because two pods, the proxy and the sender share two cores (docs/sizing.md has one that does).
The service time is measured alone and through the proxy; predicted is what becomes of it when requests come at random
(Poisson) and two pods get them in turn.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, pstdev

import pytest

from planning.arrivals import Course, measured
from planning.simulation import Plan, simulate
from tests.cluster import faulty, seen
from tests.cluster.copies import entry, image, initialised, service
from tests.cluster.releasing import MODEL, QUEUE
from tests.cluster.stack import Stack, project_elsewhere
from tests.cluster.traffic import Ingress

pytestmark = pytest.mark.long

NAME, SERVICE, PODS = "planned", "reader", 2
DEVICE_SECONDS = 0.04
ALONE_PER_SECOND, ALONE_SECONDS = 4, 40
LOADED_SECONDS, SETTLE_SECONDS = 100, 5
BUSY = (0.3, 0.5, 0.7)
"""Share of the time that each pod is to be busy."""
SEEDS = range(20)
WITHIN = 0.15
"""Share of the measured p95 that the predicted one may be off."""


@dataclass(frozen=True)
class Planned:
    """The service, and who asks it."""

    ingress: Ingress
    body: bytes
    folder: Path

    def asked(self, per_second: float, seconds: float, seed: int | None = None) -> list[float]:
        """Ask for so long, at random with a seed; give the seconds of each answer after the first few."""
        with seen.running(self.ingress, self.body, self.folder, per_second=per_second, seed=seed) as load:
            time.sleep(SETTLE_SECONDS)
            began = time.time()
            time.sleep(seconds)
            ended = time.time()
        answers = load.since(began, ended)
        assert all(answer.good for answer in answers), seen.tally(answers)
        return [answer.seconds for answer in answers]


@pytest.fixture(scope="module")
def planned(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]
) -> Iterator[Planned]:
    one = service(NAME, MODEL, server={"queueLimit": QUEUE}, scaling={"replicas": PODS})
    folder = project_elsewhere(tmp_path_factory.mktemp(NAME), entry(NAME, {SERVICE: one}))
    slow = faulty.image(image("server"), faulty.Fault(busy=DEVICE_SECONDS))
    with initialised(stack, folder, NAME) as copy:
        copy.up({SERVICE: {"live": "blue", "slots": {"blue": {"image": slow}}}})
        yield Planned(copy.ingress(SERVICE), pictures[0][0], tmp_path_factory.mktemp("load"))


@pytest.fixture(scope="module")
def alone(planned: Planned) -> tuple[float, ...]:
    """How long it takes when nobody waits, in seconds."""
    return tuple(planned.asked(ALONE_PER_SECOND, ALONE_SECONDS))


@pytest.mark.parametrize("busy", BUSY)
def test_the_predicted_95th_percentile_is_the_measured_one(
    planned: Planned, alone: tuple[float, ...], busy: float, facts: list[str]
) -> None:
    rate = busy * PODS / mean(alone)
    times = planned.asked(rate, LOADED_SECONDS, seed=round(100 * busy))
    found, predicted = _p95(times), mean(_simulated(alone, rate, seed) for seed in SEEDS)
    off = predicted / found - 1
    facts.append(
        f"sizing: {rate:.1f} requests/s of {1000 * mean(alone):.1f} ms (cv "
        f"{pstdev(alone) / mean(alone):.2f}) on {PODS} pods, busy {busy:.0%}: p95 predicted "
        f"{1000 * predicted:.1f} ms, measured {1000 * found:.1f} ms of {len(times)} ({off:+.1%}); mean "
        f"{1000 * mean(times):.1f} ms; p95 alone {1000 * _p95(alone):.1f} ms"
    )
    assert abs(off) <= WITHIN


def _simulated(alone: tuple[float, ...], rate: float, seed: int) -> float:
    plan = Plan(course=Course.level(rate), seconds=600, draw=measured(alone), pods=PODS, warm_up=10)
    return simulate(plan, seed).quantile(0.95)


def _p95(times: list[float] | tuple[float, ...]) -> float:
    return sorted(times)[int(0.95 * len(times))]
