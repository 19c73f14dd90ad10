"""Edge cases of routes that each traffic driver accepts: every real request reaches the right pod.

All routes of a driver stand in one namespace, before one pod per slot.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import pytest

from tests.cluster import standing
from tests.cluster.stack import Stack, config_of
from tests.edges.routing import CLUSTERS, LIVE, OTHER, Asked, Edge, edges

pytestmark = pytest.mark.long

ROUTES = 240
LEAST = 200
SECONDS = 120
"""Time limit in seconds for the proxy to apply all objects."""
SELECTED, PODS = "app.kubernetes.io/name", "answering"
NOT_FOUND = 404


@dataclass(frozen=True)
class Standing:
    """The routes of one traffic driver behind the proxy."""

    driver: str
    address: str
    edges: list[Edge]


@pytest.fixture(scope="module", params=list(CLUSTERS))
def behind(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Standing]:
    """Apply every route of a traffic driver."""
    driver: str = request.param
    namespace, found = f"edge-{driver}", edges(driver, ROUTES)
    declared = [one for edge in found for one in edge.manifests(driver, namespace)]
    for one in declared:
        if one["kind"] == "Service":
            one["spec"]["selector"][SELECTED] = PODS
    pods = [standing.pods(namespace, PODS, slot, 1) for slot in (LIVE, OTHER)]
    with standing.applied(stack, namespace, pods, declared):
        yield Standing(driver, urlsplit(str(config_of("dev")["slipway:cluster"]["ingressUrl"])).netloc, found)


def answer(connection: HTTPConnection, asked: Asked) -> str | None:
    """Return the slot that answers a request, None for 404, or the fault."""
    try:
        connection.putrequest("GET", asked.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", asked.host)
        for name, value in asked.headers.items():
            connection.putheader(name, value.encode())
        connection.endheaders()
        reply = connection.getresponse()
        body = reply.read()
    except (HTTPException, OSError, ValueError) as error:
        connection.close()
        return f"{type(error).__name__}: {error}"
    if reply.status == standing.OK:
        return str(json.loads(body)["slot"])
    return None if reply.status == NOT_FOUND else str(reply.status)


def missed(connection: HTTPConnection, edge: Edge) -> list[str]:
    """Return the requests of a route that were not answered as expected."""
    found = [(asked, answer(connection, asked)) for asked in edge.requests]
    return [
        f"{asked.target[:60]} at {asked.host[:60]} {str(asked.headers)[:60]}: {said}, not {asked.slot}"
        for asked, said in found
        if said != asked.slot
    ]


def test_every_accepted_route_leads_its_requests_to_the_right_pod(behind: Standing, facts: list[str]) -> None:
    assert len(behind.edges) >= LEAST
    waiting, end = {str(edge): edge for edge in behind.edges}, time.monotonic() + SECONDS
    wrong: dict[str, list[str]] = {}
    with closing(HTTPConnection(behind.address, timeout=15)) as connection:
        while waiting and time.monotonic() < end:
            wrong = {name: missed(connection, edge) for name, edge in waiting.items()}
            waiting = {name: edge for name, edge in waiting.items() if wrong[name]}
            time.sleep(1)
    sent = sum(len(edge.requests) for edge in behind.edges)
    facts.append(
        f"edge routes: {behind.driver}: {len(behind.edges)} routes, {sent} requests, {len(waiting)} routes failed"
    )
    listed = "\n".join(f"{name}\n  " + "\n  ".join(wrong[name]) for name in waiting)
    assert not waiting, f"{len(waiting)} of {len(behind.edges)} routes:\n{listed}"
