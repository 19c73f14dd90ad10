"""One fault at a time under load (docs/systems.md, G7): failed requests, and the time until all pods are ready."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

from tests.cluster import harm, seen
from tests.cluster.copies import Copy, entry, ready, running, service
from tests.cluster.releasing import BUSY, MODEL, QUEUE
from tests.cluster.stack import Stack
from tests.cluster.waiting import within

pytestmark = pytest.mark.long

NAME, SERVICE, REPLICAS = "enduring", "reader", 2
PER_SECOND, LEAST = 120, 99.95
RECOVERY_SECONDS = 20
FAULT_SECONDS, CALM_SECONDS = 15, 5
SLOW_SECONDS = 1.0
"""An answer that took longer counts as not well yet; it did not fail."""
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Enduring:
    """The system and its load."""

    copy: Copy
    load: seen.Load

    def well(self) -> bool:
        """Whether as many pods as declared get requests."""
        return len([pod for pod in self.copy.pods(SERVICE) if ready(pod)]) == REPLICAS

    def until_well(self) -> None:
        within(self.well, "as many pods as declared get requests", PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def enduring(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory, pictures: list[tuple[bytes, str]]
) -> Iterator[Enduring]:
    one = service(
        NAME,
        MODEL,
        resources=BUSY,
        server={"queueLimit": QUEUE},
        drain={"preStop": "1s", "drain": "5s", "grace": "6s", "requestTimeout": "3s"},
        # What a lost pod had begun is asked of the other one.
        route={
            "host": f"{NAME}.slipway.test",
            "path": "/predict",
            "timeout": "4s",
            "maxBody": "1Mi",
            "retries": {"idempotent": True},
        },
        scaling={"replicas": REPLICAS},
        # A pod that is cut off is found out within three seconds, and one lost packet does not count.
        health={"startup": "20s", "period": "1s", "timeout": "1s", "liveness": {"period": "5s", "timeout": "5s"}},
    )
    with running(stack, tmp_path_factory.mktemp(NAME), entry(NAME, {SERVICE: one})) as copy:
        body, loads = pictures[0][0], tmp_path_factory.mktemp("load")
        with seen.running(copy.ingress(SERVICE), body, loads, per_second=PER_SECOND) as load:
            yield Enduring(copy, load)


Fault = Callable[[Enduring], AbstractContextManager[None]]


@contextmanager
def pod_killed(system: Enduring) -> Generator[None]:
    harm.killed(system.copy.pods(SERVICE)[0])
    yield


@contextmanager
def pod_gone(system: Enduring) -> Generator[None]:
    name = system.copy.pods(SERVICE)[0]["metadata"]["name"]
    system.copy.kubectl("delete", "pod", name, "--grace-period=0", "--force", "--wait=false")
    yield


@contextmanager
def pod_evicted(system: Enduring) -> Generator[None]:
    name = system.copy.pods(SERVICE)[0]["metadata"]["name"]
    system.copy.kubectl("delete", "pod", name, "--wait=false")
    yield


def _of(name: str) -> Fault:
    return lambda _: harm.paused(name)


FAULTS: dict[str, Fault] = {
    "pod killed (SIGKILL)": pod_killed,
    "pod lost at once (node failure)": pod_gone,
    "pod evicted (node pressure)": pod_evicted,
    "10 % of one pod's packets lost": lambda system: harm.lossy(system.copy.pods(SERVICE)[0], 0.1),
    "one pod cut off": lambda system: harm.lossy(system.copy.pods(SERVICE)[0], 1),
    "one pod's link at 512 kbit/s": lambda system: harm.slow_link(system.copy.pods(SERVICE)[0], "512kbit"),
    "processors exhausted by 4 others": lambda _: harm.busy(4),
    "API server frozen": _of("kube-apiserver"),
    "kubelet frozen": _of("kubelet"),
    "DNS frozen": _of("coredns"),
    "object storage frozen": _of("s3"),
    "Prometheus frozen": _of("prometheus"),
    "registry frozen": _of("registry"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_users_hardly_notice_a_single_fault(enduring: Enduring, fault: str, facts: list[str]) -> None:
    enduring.until_well()
    time.sleep(CALM_SECONDS)
    began = time.time()
    with FAULTS[fault](enduring):
        time.sleep(FAULT_SECONDS)
    enduring.until_well()
    time.sleep(CALM_SECONDS)
    answers = enduring.load.since(began)
    failed = [answer for answer in answers if not answer.good]
    disturbed = [answer.done for answer in answers if not answer.good or answer.seconds > SLOW_SECONDS]
    available = 100 * (1 - len(failed) / len(answers))
    recovery = max(disturbed, default=began) - began
    facts.append(
        f"fault: {fault}: {len(failed)} of {len(answers)} requests failed ({available:.3f} %), "
        f"{len(disturbed) - len(failed)} slow, well again after {recovery:.1f} s"
    )
    assert len(answers) >= 0.9 * PER_SECOND * FAULT_SECONDS
    assert available >= LEAST, seen.tally(failed)
    assert recovery <= RECOVERY_SECONDS
