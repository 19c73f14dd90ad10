"""Autoscaling with real metrics: the adapter has the rules that the stack brings, and Pulumi leaves the count alone.

The embedded cluster's HPAs look every 5 s (Kubernetes' default is 15 s), and its Prometheus scrapes every second.
"""

import time
from collections.abc import Iterator

import pytest
import yaml

from tests.cluster import seen
from tests.cluster.copies import Copy, entry, running, service
from tests.cluster.releasing import BUSY, MODEL, QUEUE
from tests.cluster.scaled import Scaled
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import PATIENCE_SECONDS, until

NAME, SERVICE = "counted", "reader"
AVERAGE, FEW, MORE = 20, 10, 50
"""Requests per second: what a pod is to have, what the one pod has at first, and what comes on top and takes three."""
SCALING: Json = {
    "minReplicas": 1,
    "maxReplicas": 3,
    "metrics": {"cpu": {"utilization": 90}, "pods": {"http_requests_total": {"average": AVERAGE, "window": "15s"}}},
}


def content(**environment: str) -> Json:
    """The entry, with variables of the server's environment."""
    one = service(
        NAME,
        MODEL,
        resources=BUSY,
        server={"queueLimit": QUEUE},
        scaling=SCALING,
        monitoring={"interval": "1s"},
        env=environment,
    )
    return entry(NAME, {SERVICE: one})


@pytest.fixture(scope="module")
def system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with running(stack, tmp_path_factory.mktemp(NAME), content()) as copy:
        yield copy


@pytest.fixture(scope="module")
def scaled(system: Copy) -> Scaled:
    return Scaled(system, SERVICE)


@pytest.fixture(scope="module", autouse=True)
def load(
    system: Copy, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[seen.Load]:
    """A few requests through the whole module."""
    folder = tmp_path_factory.mktemp("few")
    with seen.running(system.ingress(SERVICE), pictures[0][0], folder, per_second=FEW) as few:
        yield few


def test_the_hpa_sees_cpu_and_the_requests_of_its_own_slot(scaled: Scaled) -> None:
    until(
        lambda: scaled.measured().keys() == {"cpu", "http_requests_total"},
        PATIENCE_SECONDS,
        "CPU and requests are measured",
    )
    until(
        lambda: abs(scaled.measured().get("http_requests_total", 0) - FEW) <= 1,
        PATIENCE_SECONDS,
        f"{FEW} requests/s are seen",
    )
    assert scaled.wanted() == 1


def test_it_scales_out_on_requests_and_an_update_in_the_middle_keeps_the_count(  # noqa: PLR0913, PLR0917 -- fixtures
    scaled: Scaled,
    system: Copy,
    load: seen.Load,
    pictures: list[tuple[bytes, str]],
    tmp_path_factory: pytest.TempPathFactory,
    facts: list[str],
) -> None:
    began, first = time.time(), {pod["metadata"]["uid"] for pod in scaled.pods()}
    with seen.running(
        system.ingress(SERVICE), pictures[0][0], tmp_path_factory.mktemp("more"), per_second=MORE
    ) as more:
        decided, _ = until(lambda: scaled.wanted() > 1, PATIENCE_SECONDS, "scaled out")
        answered, _ = until(
            lambda: any(scaled.answers(pod) for pod in scaled.pods() if pod["metadata"]["uid"] not in first),
            PATIENCE_SECONDS,
            "a new pod answers",
        )
        until(lambda: scaled.wanted() == 3, PATIENCE_SECONDS, "as many pods as it takes")
        file = system.folder / "catalog" / f"{NAME}.yaml"
        file.write_text(yaml.safe_dump(content(CHANGED="yes"), sort_keys=False))
        system.up()
        kept = scaled.wanted()
        lost = seen.machinery(load.since(began)) + seen.machinery(more.since(began))
    facts.append(
        f"HPA on requests: {FEW} → {FEW + MORE} requests/s: scaled out after {decided - began:.1f} s, "
        f"first answer of a new pod after {answered - began:.1f} s; lost {dict(lost)}"
    )
    assert kept == 3
    assert not lost
    done = system.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
