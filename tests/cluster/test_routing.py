"""A real proxy enforces what a route declares: limits per client, sessions, sizes and timeouts.

Ingresses and Services are those that the program declares; behind them stand pods that say who they are, in a namespace
of this file's own.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.cluster import answering, standing
from tests.cluster.stack import Stack, config_of
from tests.cluster.standing import OK, TOO_MANY
from tests.cluster.waiting import within
from tests.components.deploying import deployed
from tests.samples import Config, entry, put, release, service, stack

NAMESPACE = "slipway-routing"
LIMITED, STICKY, PARTNER, FIRST = (f"{name}.routing.slipway.test" for name in ("limited", "sticky", "partner", "first"))
PER_SECOND, BURST = 1, 12
MOST_BYTES = 4096
USERS, FIRST_PERCENT = 50, 10
TOO_LARGE, TOO_LATE = 413, 504

SERVICES: Config = {
    "limited": service(
        route={
            "host": LIMITED,
            "path": "/predict",
            "rateLimit": {"perSecond": PER_SECOND, "burst": BURST},
            "maxBody": MOST_BYTES,
            "timeout": "1s",
        }
    ),
    "sticky": service(
        route={"host": STICKY, "path": "/predict", "stableHosts": [PARTNER], "session": {"cookie": "ab", "maxAge": 600}}
    ),
    "first": service(route={"host": FIRST, "path": "/predict", "session": {"cookie": "version"}}),
}


def manifests(first: int = FIRST_PERCENT) -> list[Config]:
    """Return the traffic objects of the services, with this weight for the other slot of ``first``."""
    data = put(stack(), "system.namespace", NAMESPACE)
    data = put(data, "release.first", release(weight=first))
    data = put(data, "release.sticky", release(weight=50, match={"header": {"name": "X-Canary"}}))
    made = deployed(entry(services=SERVICES), data)
    return [found.inputs for kind in ("Service", "Ingress") for found in made.of_kind(kind)]


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[str]:
    """Yield the proxy's address with the route's path, when everything behind it is ready."""
    url = config_of("dev")["slipway:cluster"]["ingressUrl"] + "/predict"
    behind = [
        standing.pods(NAMESPACE, "limited", "blue", 1),
        standing.pods(NAMESPACE, "sticky", "blue", 2),
        standing.pods(NAMESPACE, "sticky", "green", 2),
        standing.pods(NAMESPACE, "first", "blue", 1),
        standing.pods(NAMESPACE, "first", "green", 1),
    ]
    with standing.applied(stack, NAMESPACE, behind, manifests()):
        for host in (LIMITED, STICKY, PARTNER, FIRST):
            standing.until_answered(url, host)
        yield url


def ask(sender: httpx.Client, url: str, host: str, **headers: str) -> dict[str, Any]:
    """Send a request; return the answer, which names pod and slot."""
    reply = sender.get(url, headers={"Host": host, **headers})
    assert reply.status_code == OK, reply.text
    return reply.json()


def test_a_client_past_its_limit_gets_429_and_another_one_is_answered(proxy: str, facts: list[str]) -> None:
    with standing.client("127.0.0.2") as greedy, standing.client("127.0.0.3") as modest:
        statuses = [greedy.get(proxy, headers={"Host": LIMITED}).status_code for _ in range(8 * BURST)]
        other = modest.get(proxy, headers={"Host": LIMITED}).status_code
    answered, refused = statuses.count(OK), statuses.count(TOO_MANY)
    facts.append(f"rate limit: {answered} of {len(statuses)} at once answered, {refused} got 429")
    assert answered + refused == len(statuses)
    assert statuses[:BURST] == [OK] * BURST, "the burst was promised"
    assert refused > 0
    assert other == OK


def test_a_body_up_to_the_limit_is_taken_and_a_larger_one_is_refused_with_413(proxy: str) -> None:
    with standing.client("127.0.0.4") as sender:
        largest = sender.post(proxy, headers={"Host": LIMITED}, content=b"x" * MOST_BYTES)
        larger = sender.post(proxy, headers={"Host": LIMITED}, content=b"x" * (MOST_BYTES + 1))
    assert (largest.status_code, largest.json()["bytes"]) == (OK, MOST_BYTES)
    assert larger.status_code == TOO_LARGE


def test_a_pod_that_says_nothing_is_given_up_after_the_routes_time(proxy: str) -> None:
    url = proxy.replace("/predict", answering.SILENT)
    with standing.client("127.0.0.5") as sender:
        reply = sender.post(url, headers={"Host": LIMITED}, content=b"x")
    assert reply.status_code == TOO_LATE


def test_a_client_stays_with_the_version_and_the_pod_that_answered_it_first(proxy: str) -> None:
    first: dict[str, set[str]] = {"blue": set(), "green": set()}
    users = Counter[str]()
    for _ in range(20):
        with standing.client() as browser:
            answers = [ask(browser, proxy, STICKY) for _ in range(5)]
            assert "ab" in browser.cookies
        assert len({(answer["slot"], answer["pod"]) for answer in answers}) == 1
        first[answers[0]["slot"]].add(answers[0]["pod"])
        users[answers[0]["slot"]] += 1
    assert abs(users["blue"] - users["green"]) <= 2, "1 : 1; one more or less where the proxy began its rounds anew"
    assert {slot: len(seen) for slot, seen in first.items()} == {"blue": 2, "green": 2}, "everybody got everywhere"


def test_ten_percent_of_the_users_come_first_and_then_everyone(proxy: str, stack: Stack, facts: list[str]) -> None:
    with ExitStack() as opened:
        users = [opened.enter_context(standing.client()) for _ in range(USERS)]
        first = [ask(user, proxy, FIRST)["slot"] for user in users]
        facts.append(f"routing: {first.count('green')} of {USERS} users came first at weight {FIRST_PERCENT}")
        assert abs(first.count("green") - USERS * FIRST_PERCENT / 100) <= 1
        for _ in range(3):
            assert [ask(user, proxy, FIRST)["slot"] for user in users] == first, (
                "a constant weight moves no user to the other slot"
            )
        standing.apply(stack, NAMESPACE, manifests(100))
        within(lambda: {ask(user, proxy, FIRST)["slot"] for user in users} == {"green"}, "everyone has the new version")


def test_who_keeps_no_cookies_meets_both_versions(proxy: str) -> None:
    with standing.client() as forgetful:
        met: set[str] = set()
        for _ in range(10):
            met.add(ask(forgetful, proxy, STICKY)["slot"])
            forgetful.cookies.clear()
    assert met == {"blue", "green"}


def test_the_session_lasts_as_long_as_the_route_says(proxy: str) -> None:
    with standing.client() as browser:
        reply = browser.get(proxy, headers={"Host": STICKY})
    cookies = reply.headers.get_list("set-cookie")
    assert cookies
    assert all("max-age=600" in cookie.lower() for cookie in cookies)


def test_a_canarys_header_goes_before_the_session(proxy: str) -> None:
    with standing.client() as browser:
        chosen = {slot: {"X-Canary": answer} for slot, answer in {"green": "always", "blue": "never"}.items()}
        for _ in range(5):
            ask(browser, proxy, STICKY)
            for slot, header in chosen.items():
                assert ask(browser, proxy, STICKY, **header)["slot"] == slot


def test_a_stable_host_keeps_its_clients_with_a_pod_of_the_live_slot(proxy: str) -> None:
    seen: set[str] = set()
    for _ in range(10):
        with standing.client() as browser:
            answers = [ask(browser, proxy, PARTNER) for _ in range(4)]
        assert len({answer["pod"] for answer in answers}) == 1
        assert {answer["slot"] for answer in answers} == {"blue"}
        seen |= {answer["pod"] for answer in answers}
    assert len(seen) == 2
