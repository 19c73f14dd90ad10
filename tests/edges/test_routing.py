"""The routes that the cluster test sends requests to: of every kind, and with requests that must not meet them."""

import pytest

from tests.edges.routing import CLUSTERS, LIVE, NOBODY, OTHER, edges

COUNT = 40


pytestmark = pytest.mark.slow  # hundreds of generated systems


@pytest.mark.parametrize("driver", CLUSTERS)
def test_accepted_routes_of_every_kind_and_the_same_ones_each_time(driver: str) -> None:
    found = edges(driver, COUNT)
    assert len(found) == COUNT
    assert found == edges(driver, COUNT)
    assert len({edge.route["host"] for edge in found}) == COUNT, "no other route answers their requests"
    assert {asked.slot for edge in found for asked in edge.requests} == {LIVE, OTHER, NOBODY}
    assert {edge.route.get("pathType") for edge in found} >= {"Prefix", "Exact"}
    kinds = [
        sum(map(bool, kind)) for kind in zip(*((e.match, e.route["path"] != "/predict") for e in found), strict=True)
    ]
    assert min(kinds) >= COUNT // 5, kinds


@pytest.mark.parametrize("driver", CLUSTERS)
def test_a_route_and_the_private_services_that_it_leads_to(driver: str) -> None:
    kind = {"nginx": "Ingress", "gateway": "HTTPRoute"}[driver]
    for edge in edges(driver, COUNT):
        kinds = [one["kind"] for one in edge.manifests(driver, "edges")]
        assert kinds.count(kind) == (2 if edge.match and driver == "nginx" else 1)
        assert kinds.count("Service") == (2 if edge.match else 1)
