"""A day of text understanding in ten minutes (docs/systems.md, N6): pods that follow it, against eight all day."""

import json
import statistics
import time
from collections.abc import Iterator

import pytest

from sizing.arrivals import Course
from tests.cluster import seen
from tests.cluster.nlu import SENTENCE, SERVICE, Nlu
from tests.cluster.program import deployed
from tests.cluster.scaled import Scaled
from tests.cluster.stack import Json, Stack
from tests.cluster.test_scaling_nlu import AVERAGE, FLOOR, PUBLISHED_P95, PUBLISHED_REPLICAS, RESOURCES

pytestmark = pytest.mark.long

DAY_SECONDS = 600
DAY = Course(((0, 15), (120, 15), (210, 150), (300, 150), (390, 60), (480, 20), (DAY_SECONDS, 15)))
"""Requests per second: a night, a rush that eight pods are there for at their target, and an evening."""
SCALING: Json = {
    "minReplicas": FLOOR,
    "maxReplicas": PUBLISHED_REPLICAS,
    # A day of ten minutes wants a rate over half a minute: two minutes would be five hours of it.
    "metrics": {"cpu": {"utilization": 60}, "pods": {"http_requests_total": {"average": AVERAGE, "window": "30s"}}},
    "behavior": {"scaleDown": {"stabilization": "15s"}},
}
MOST_SHARE = 0.6
"""Of the pods that are always there; published are 3.2 of 8."""
LOOK_SECONDS = 3


@pytest.fixture(scope="module")
def scaled(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scaled]:
    made = Nlu.laid_out(stack, tmp_path_factory.mktemp("nlu"), scaling=SCALING, resources=RESOURCES)
    with deployed(made):
        yield Scaled(made, SERVICE)


def test_pods_follow_the_load_curve(scaled: Scaled, tmp_path_factory: pytest.TempPathFactory, facts: list[str]) -> None:
    nlu, body, folder = scaled.system, json.dumps(SENTENCE).encode(), tmp_path_factory.mktemp("load")
    assert isinstance(nlu, Nlu)
    with seen.running(nlu.ingress(), body, folder, course=DAY, seed=6, content_type="application/json") as load:
        began = time.time()
        counts = list(scaled.counts(DAY_SECONDS, every=LOOK_SECONDS))
        answers = load.since(began)
    p95 = statistics.quantiles([answer.seconds for answer in answers if answer.good], n=20)[-1]
    pods, lost = statistics.mean(counts), seen.machinery(answers)
    saved = 1 - pods / PUBLISHED_REPLICAS
    facts.append(
        f"nlu: {len(answers)} requests in {DAY_SECONDS} s, up to {DAY.most:g}/s: {min(counts)} to {max(counts)} "
        f"pods, {pods:.2f} on average: {saved:.0%} less than {PUBLISHED_REPLICAS} (published 3.2, 61 %), P95 "
        f"{1000 * p95:.0f} ms (published 230), lost {dict(lost)}"
    )
    assert max(counts) >= PUBLISHED_REPLICAS - 1
    assert pods <= MOST_SHARE * PUBLISHED_REPLICAS
    assert p95 <= PUBLISHED_P95
    assert not lost
