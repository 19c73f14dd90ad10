"""An External metric beside CPU (docs/systems.md, G2): both slots scale on one metric, each on its own share of it."""

import time
from collections.abc import Iterator

import pytest

from tests.cluster import seen
from tests.cluster.copies import Copy, entry, running, service
from tests.cluster.releasing import BUSY, MODEL, QUEUE
from tests.cluster.scaled import Scaled
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import until

pytestmark = pytest.mark.long

NAME, SERVICE = "shared", "reader"
METRIC, AVERAGE, PER_SECOND, WEIGHT = "requests_per_second", 12, 40, 20
"""32 requests per second are too many for two pods of the live slot, 8 are enough for one of the other."""
SCALING: Json = {
    "minReplicas": 1,
    "maxReplicas": 4,
    "metrics": {
        "cpu": {"utilization": 90},
        "external": {
            METRIC: {
                "average": AVERAGE,
                "query": "sum(rate(http_requests_total{<<.LabelMatchers>>,"
                'service=~"reader-(blue|green)",route="/predict"}[15s]))',
            }
        },
    },
}
OTHER: Json = {"server": {"queueLimit": QUEUE, "topK": 5}}
RELEASE: Json = {SERVICE: {"live": "blue", "slots": {"blue": {}, "green": OTHER}, "weight": WEIGHT}}


@pytest.fixture(scope="module")
def system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    one = service(
        NAME,
        MODEL,
        resources=BUSY,
        server={"queueLimit": QUEUE},
        scaling=SCALING,
        monitoring={"interval": "1s"},
    )
    with running(stack, tmp_path_factory.mktemp(NAME), entry(NAME, {SERVICE: one}), RELEASE) as copy:
        yield copy


def test_each_slot_scales_with_its_own_share_of_an_external_metric(
    system: Copy, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory, facts: list[str]
) -> None:
    live, other = (Scaled(system, SERVICE, slot) for slot in ("blue", "green"))
    folder, began = tmp_path_factory.mktemp("load"), time.time()
    with seen.running(system.ingress(SERVICE), pictures[0][0], folder, per_second=PER_SECOND) as load:
        decided, _ = until(lambda: live.wanted() > 1, 90, "the live slot scaled out")
        until(lambda: live.wanted() == 3, 60, "as many pods as it takes")
        until(lambda: _own(other, 8), 60, "the other slot's share is seen")
        until(lambda: _own(live, 32 / 3), 60, "the live slot's share is seen")
        counts = live.wanted(), other.wanted()
        done = system.pulumi("preview", "--expect-no-changes")
        lost = seen.machinery(load.since(began))
    facts.append(
        f"HPA on an external metric: {PER_SECOND} requests/s at weight {WEIGHT}: scaled out after "
        f"{decided - began:.1f} s, then {counts[0]} pods in the live slot, {counts[1]} in the other; lost {dict(lost)}"
    )
    assert counts == (3, 1)
    assert not lost
    assert done.returncode == 0, done.stdout + done.stderr


def _own(scaled: Scaled, average: float) -> bool:
    """Whether the HPA sees so many per pod."""
    return abs(scaled.measured().get(METRIC, 0) - average) <= 1
