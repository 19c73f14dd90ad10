"""The published canary of the GPU service behind a real proxy: host, path, a fifth of the requests, header and cookie.

The Ingresses and Services are those that the entry declares in production. This machine has no GPU, so the pods behind
them only answer which slot they belong to.
"""

from collections import Counter
from collections.abc import Iterator
from typing import cast

import httpx
import pytest

import catalog
from tests.cluster import standing
from tests.cluster.stack import Stack, config_of
from tests.components.deploying import deployed
from tests.contracts import cases
from tests.samples import OTHER_IMAGE, Config

HOST, PATH = "model.example.com", "/predict"
PUBLISHED_PERCENT, REQUESTS = 20, 200
RELEASE = {
    "slots": {"blue": {}, "green": {"image": OTHER_IMAGE}},
    "weight": PUBLISHED_PERCENT,
    "match": {"header": {"name": "X-Canary"}, "cookie": "canary"},
}


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[str]:
    """Apply the entry's traffic objects with pods behind them; yield the proxy's address."""
    given = cases.config_of(cases.Case("gpu", "prod", both=True))
    made = deployed(cast("Config", catalog.read("gpu")), {**given, "release": {"model": RELEASE}})
    namespace = made.one("Namespace").object_name
    leading = [found.inputs for kind in ("Service", "Ingress") for found in made.of_kind(kind)]
    behind = [standing.pods(namespace, "model", slot, 1) for slot in ("blue", "green")]
    url = config_of("dev")["slipway:cluster"]["ingressUrl"]
    with standing.applied(stack, namespace, behind, leading):
        standing.until_answered(url + PATH, HOST)
        yield url


def answered(url: str, count: int, **headers: str) -> Counter[str]:
    """Count answers by slot."""
    with standing.client() as sender:
        replies = [sender.get(url, headers={"Host": HOST, **headers}) for _ in range(count)]
    return Counter(str(reply.json()["slot"]) for reply in replies if reply.status_code == standing.OK)


def test_a_fifth_of_the_requests_meets_the_canary(proxy: str, facts: list[str]) -> None:
    counted = answered(proxy + PATH, REQUESTS)
    facts.append(f"gpu: {counted['green']} of {REQUESTS} requests at the published weight {PUBLISHED_PERCENT}")
    assert counted.total() == REQUESTS
    assert abs(counted["green"] - REQUESTS * PUBLISHED_PERCENT / 100) <= 2


@pytest.mark.parametrize(("says", "slot"), [("always", "green"), ("never", "blue")])
def test_header_and_cookie_choose_the_slot(proxy: str, says: str, slot: str) -> None:
    assert answered(proxy + PATH, 20, **{"X-Canary": says}) == {slot: 20}
    assert answered(proxy + PATH, 20, Cookie=f"canary={says}") == {slot: 20}


def test_no_other_path_and_no_other_host_lead_there(proxy: str) -> None:
    with httpx.Client() as sender:
        other_path = sender.get(f"{proxy}/other", headers={"Host": HOST})
        other_host = sender.get(proxy + PATH, headers={"Host": f"other.{HOST}"})
    assert (other_path.status_code, other_host.status_code) == (404, 404)
