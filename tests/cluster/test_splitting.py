"""The whole table of headers, cookies and weights, checked by counting answers of the real proxy, for both drivers.

Every state of a release is a service of its own in one namespace, with the objects that the program declares for it;
the Services of all of them lead to the same two pods. So nothing has to be waited for between two cases.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.cluster import standing
from tests.cluster.stack import Stack, config_of
from tests.components.deploying import deployed
from tests.samples import Config, entry, put, release, service, stack
from tests.splitting import LIVE, OTHER, REQUESTS, STATES, Asked, State, wanted

SELECTED = "app.kubernetes.io/name"
PODS = "answering"
CYCLE = 10
"""Requests of a cell; the proxy's weighted rounds come out even over that many at 20 and 50 percent."""
FEW = 2
"""Number of requests for a cell that one slot answers alone."""
CHUNK = 5
"""Services of one run of the recording engine, which goes a call deeper with each resource."""
GATEWAY: Config = {"name": "slipway", "namespace": "slipway-gateway"}
SETTINGS: dict[str, Config] = {
    "nginx": {"traffic": "nginx"},
    "gateway": {"traffic": "gateway", "gateway": GATEWAY},
}
COUNTED = [state for state in STATES if state.match in ("none", "word", "value", "pattern")]
"""The other states have one rule less; tests/components/test_gateway.py checks all of them."""
KINDS = ("Service", "Ingress", "HTTPRoute")
MOVED = State("none", 0)
"""A separate state whose weight changes, to measure how soon that takes effect."""


@dataclass(frozen=True)
class Driven:
    """All states on one traffic driver."""

    stack: Stack
    driver: str
    url: str
    sender: httpx.Client
    """One client for all requests, because no answer sets cookies."""

    @property
    def namespace(self) -> str:
        return f"slipway-splitting-{self.driver}"

    def host(self, name: str, kind: str = "split") -> str:
        return f"{name}.{kind}.{self.driver}.slipway.test"

    def declared(self, states: dict[str, State]) -> list[Config]:
        """Return the traffic objects that the program declares for these states, in front of the standing pods."""
        data = put(stack(), "system.namespace", self.namespace)
        data["cluster"] |= SETTINGS[self.driver]
        data["release"] = {name: release(**state.release) for name, state in states.items()}
        routes = {
            name: {"host": self.host(name), "path": "/predict", "stableHosts": [self.host(name, "stable")]}
            for name in states
        }
        made = deployed(entry(services={name: service(route=route) for name, route in routes.items()}), data)
        found = [resource.inputs for kind in KINDS for resource in made.of_kind(kind)]
        for inputs in found:
            if inputs["kind"] == "Service":
                inputs["spec"]["selector"][SELECTED] = PODS
        return found

    def answers(self, name: str, asked: Asked, count: int, kind: str = "split") -> Counter[str]:
        """Send equal requests; count the answers by slot."""
        headers = {"Host": self.host(name, kind), **asked.headers}
        return Counter(_slot(self.sender.get(self.url, headers=headers)) for _ in range(count))


def _slot(reply: httpx.Response) -> str:
    return str(reply.json()["slot"]) if reply.status_code == standing.OK else str(reply.status_code)


@pytest.fixture(scope="module", params=list(SETTINGS))
def driven(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Driven]:
    """All states behind the proxy, on each traffic driver in turn."""
    url = config_of("dev")["slipway:cluster"]["ingressUrl"] + "/predict"
    sender = standing.client()
    found = Driven(stack, request.param, url, sender)
    states = {**{str(state): state for state in COUNTED}, "moved": MOVED}
    behind = [standing.pods(found.namespace, PODS, slot, 1) for slot in (LIVE, OTHER)]
    few = [dict(list(states.items())[at : at + CHUNK]) for at in range(0, len(states), CHUNK)]
    declared = [inputs for part in few for inputs in found.declared(part)]
    with standing.applied(stack, found.namespace, behind, declared):
        for name in states:
            for kind in ("split", "stable"):
                standing.until_answered(found.url, found.host(name, kind))
        with sender:
            yield found


@pytest.mark.parametrize("state", COUNTED, ids=str)
def test_every_request_is_answered_by_the_slot_that_the_release_says(
    driven: Driven, state: State, facts: list[str]
) -> None:
    sent = 0
    for asked in REQUESTS:
        share = wanted(state, asked)
        count = CYCLE if 0 < share < 100 else FEW
        counted = driven.answers(str(state), asked, count)
        assert counted.total() == counted[LIVE] + counted[OTHER], (asked, counted)
        # One more or less: the proxy restarts its rounds when it reads other objects meanwhile.
        assert abs(counted[OTHER] - count * share / 100) <= (count == CYCLE), (asked, counted)
        sent += count
    facts.append(f"split: {driven.driver} {state}: {sent} requests answered as declared")


def test_a_host_that_is_not_split_never_meets_the_other_slot(driven: Driven) -> None:
    leading = [Asked(), Asked("always", "always"), Asked("beta"), Asked("b7")]
    cells = [(state, asked) for state in COUNTED for asked in leading]
    for state, asked in cells:
        assert driven.answers(str(state), asked, 2, "stable") == {LIVE: 2}, (state, asked)


def test_a_weight_acts_and_no_request_fails(driven: Driven, facts: list[str]) -> None:
    times: list[float] = []
    for weight, slot in ((100, OTHER), (0, LIVE)) * 2:
        standing.apply(driven.stack, driven.namespace, driven.declared({"moved": State("none", weight)}))
        written, end = time.monotonic(), time.monotonic() + standing.SECONDS
        while (counted := driven.answers("moved", Asked(), 1)) != {slot: 1}:
            assert set(counted) <= {LIVE, OTHER}
            assert time.monotonic() < end, f"weight {weight} does not act"
        times.append(time.monotonic() - written)
        assert driven.answers("moved", Asked(), CYCLE) == {slot: CYCLE}, "and it stays so"
    shown = json.dumps([round(seconds, 2) for seconds in times])
    facts.append(f"split: {driven.driver}: a weight acts after {shown} s")
