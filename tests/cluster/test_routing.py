"""What a route promises, kept by a real proxy: limits per client, sessions, sizes and patience.

Ingresses and Services are those that the program declares; behind them stand pods that say who they are, in a namespace
of this file's own.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from components.manifests.pod import PORT_NAME
from tests.cluster import answering
from tests.cluster.stack import Stack, config_of, run
from tests.components.deploying import deployed
from tests.recording import PROJECT
from tests.samples import Config, entry, put, release, service, stack

NAMESPACE = "slipway-routing"
LIMITED, STICKY, PARTNER = (f"{name}.routing.slipway.test" for name in ("limited", "sticky", "partner"))
PER_SECOND, BURST = 1, 12
MOST_BYTES = 4096
SECONDS = 120
"""For pods to start and for the proxy to see them."""
OK, TOO_LARGE, TOO_MANY, TOO_LATE = 200, 413, 429, 504

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
}


def manifests() -> list[Config]:
    """What the program declares of the two services' traffic, one slot of the one and both of the other."""
    data = put(stack(), "system.namespace", NAMESPACE)
    data = put(data, "release.sticky", release(weight=50, match={"header": {"name": "X-Canary"}}))
    made = deployed(entry(services=SERVICES), data)
    return [found.inputs for kind in ("Service", "Ingress") for found in made.of_kind(kind)]


def pods(name: str, slot: str, replicas: int) -> Config:
    """Pods that answer for a slot, on the image from which every server's is built."""
    chosen = {"app.kubernetes.io/name": name, "slipway.dev/slot": slot}
    container: Config = {
        "name": "server",
        "image": config_of("dev")["slipway:image"]["baseImage"],
        "command": ["python3", "-c", (PROJECT / "tests" / "cluster" / "answering.py").read_text()],
        "env": [
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "SLOT", "value": slot},
        ],
        "ports": [{"name": PORT_NAME, "containerPort": answering.PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT_NAME}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }
    template = {
        "metadata": {"labels": chosen},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-{slot}", "namespace": NAMESPACE},
        "spec": {"replicas": replicas, "selector": {"matchLabels": chosen}, "template": template},
    }


def kubectl(env: dict[str, str], *arguments: str) -> str:
    done = run("kubectl", *arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[str]:
    """The proxy's address of the route's path, with everything behind it ready."""
    url = config_of("dev")["slipway:cluster"]["ingressUrl"] + "/predict"
    namespace: Config = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    behind = [pods("limited", "blue", 1), pods("sticky", "blue", 2), pods("sticky", "green", 2)]
    wanted = stack.folder / "routing.json"
    wanted.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, *behind, *manifests()]}))
    kubectl(stack.env, "apply", "-f", str(wanted))
    try:
        kubectl(stack.env, "rollout", "status", "deployment", "-n", NAMESPACE, f"--timeout={SECONDS}s")
        for host in (LIMITED, STICKY, PARTNER):
            until_answered(url, host)
        yield url
    finally:
        kubectl(stack.env, "delete", "namespace", NAMESPACE)


def until_answered(url: str, host: str) -> None:
    """The proxy follows the API server at its own pace, and says nothing when it has."""
    end = time.monotonic() + SECONDS
    with client("127.0.0.9") as waiting:
        while (status := waiting.get(url, headers={"Host": host}).status_code) not in (OK, TOO_MANY):
            assert time.monotonic() < end, f"{host} still answers {status}"
            time.sleep(0.1)


def client(address: str = "127.0.0.1") -> httpx.Client:
    """A client with an address of its own on this machine, and its own cookies."""
    return httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=15)


def ask(sender: httpx.Client, url: str, host: str, **headers: str) -> dict[str, Any]:
    """Who answered."""
    reply = sender.get(url, headers={"Host": host, **headers})
    assert reply.status_code == OK, reply.text
    return reply.json()


def test_a_client_past_its_limit_gets_429_and_another_one_is_answered(proxy: str, facts: list[str]) -> None:
    with client("127.0.0.2") as greedy, client("127.0.0.3") as modest:
        statuses = [greedy.get(proxy, headers={"Host": LIMITED}).status_code for _ in range(8 * BURST)]
        other = modest.get(proxy, headers={"Host": LIMITED}).status_code
    answered, refused = statuses.count(OK), statuses.count(TOO_MANY)
    facts.append(f"rate limit: {answered} of {len(statuses)} at once answered, {refused} got 429")
    assert answered + refused == len(statuses)
    assert statuses[:BURST] == [OK] * BURST, "the burst was promised"
    assert refused > 0
    assert other == OK


def test_a_body_up_to_the_limit_is_taken_and_a_larger_one_is_refused_with_413(proxy: str) -> None:
    with client("127.0.0.4") as sender:
        largest = sender.post(proxy, headers={"Host": LIMITED}, content=b"x" * MOST_BYTES)
        larger = sender.post(proxy, headers={"Host": LIMITED}, content=b"x" * (MOST_BYTES + 1))
    assert (largest.status_code, largest.json()["bytes"]) == (OK, MOST_BYTES)
    assert larger.status_code == TOO_LARGE


def test_a_pod_that_says_nothing_is_given_up_after_the_routes_time(proxy: str) -> None:
    url = proxy.replace("/predict", answering.SILENT)
    with client("127.0.0.5") as sender:
        reply = sender.post(url, headers={"Host": LIMITED}, content=b"x")
    assert reply.status_code == TOO_LATE


def test_a_client_stays_with_the_version_and_the_pod_that_answered_it_first(proxy: str) -> None:
    first: dict[str, set[str]] = {"blue": set(), "green": set()}
    for _ in range(20):
        with client() as browser:
            answers = [ask(browser, proxy, STICKY) for _ in range(5)]
            assert "ab" in browser.cookies
        assert len({(answer["slot"], answer["pod"]) for answer in answers}) == 1
        first[answers[0]["slot"]].add(answers[0]["pod"])
    assert {slot: len(seen) for slot, seen in first.items()} == {"blue": 2, "green": 2}, "everybody got everywhere"


def test_who_keeps_no_cookies_meets_both_versions(proxy: str) -> None:
    with client() as forgetful:
        met: set[str] = set()
        for _ in range(10):
            met.add(ask(forgetful, proxy, STICKY)["slot"])
            forgetful.cookies.clear()
    assert met == {"blue", "green"}


def test_the_session_lasts_as_long_as_the_route_says(proxy: str) -> None:
    with client() as browser:
        reply = browser.get(proxy, headers={"Host": STICKY})
    cookies = reply.headers.get_list("set-cookie")
    assert cookies
    assert all("max-age=600" in cookie.lower() for cookie in cookies)


def test_a_canarys_header_goes_before_the_session(proxy: str) -> None:
    with client() as browser:
        chosen = {slot: {"X-Canary": answer} for slot, answer in {"green": "always", "blue": "never"}.items()}
        for _ in range(5):
            ask(browser, proxy, STICKY)
            for slot, header in chosen.items():
                assert ask(browser, proxy, STICKY, **header)["slot"] == slot


def test_a_stable_host_keeps_its_clients_with_a_pod_of_the_live_slot(proxy: str) -> None:
    seen: set[str] = set()
    for _ in range(10):
        with client() as browser:
            answers = [ask(browser, proxy, PARTNER) for _ in range(4)]
        assert len({answer["pod"] for answer in answers}) == 1
        assert {answer["slot"] for answer in answers} == {"blue"}
        seen |= {answer["pod"] for answer in answers}
    assert len(seen) == 2
