"""What the proxy is told about requests that fail: which are repeated, how often, how long a try may take."""

from typing import Any

import pytest

from components.manifests.retries import retry_annotations, tries
from models.routing import Route
from tests.components.deploying import annotations, deployed
from tests.declared import Declared, Objects
from tests.each import each
from tests.samples import Config, accepted, entry, put, release, service, stack

NGINX = "nginx.ingress.kubernetes.io/"
UNBEGUN, BEGUN = "error timeout", "error timeout http_502 http_504 non_idempotent"
IDEMPOTENT: Config = {"timeout": "31s", "maxBody": "1Mi", "retries": {"idempotent": True}}


def said(pods: int = 2, *, only_unbegun: bool = False, **changes: object) -> dict[str, str]:
    route = accepted(Route, {"host": "web.example.com", **changes})
    return retry_annotations(route, pods=pods, only_unbegun=only_unbegun)


def test_a_route_that_says_nothing_repeats_what_no_pod_has_begun_and_nothing_else() -> None:
    assert said() == {
        "proxy-connect-timeout": "1",
        "proxy-next-upstream": UNBEGUN,
        "proxy-next-upstream-tries": "11",
        "proxy-next-upstream-timeout": "11",
    }
    assert said(timeout="30s") == said()


def test_what_may_be_answered_twice_is_repeated_after_one_silent_pod_and_every_failed_connection() -> None:
    assert said(**IDEMPOTENT) == {
        "proxy-connect-timeout": "1",
        "proxy-next-upstream": BEGUN,
        "proxy-next-upstream-tries": "11",
        "proxy-next-upstream-timeout": "42",
    }
    told: Config = {**IDEMPOTENT, "retries": {"idempotent": True, "tries": 3, "connectTimeout": "2s"}}
    assert said(**told)["proxy-next-upstream-timeout"] == "37"


def test_an_answer_of_the_server_is_not_asked_for_again_unless_it_says_that_another_was_not_reached() -> None:
    asked = {word for word in said(**IDEMPOTENT)["proxy-next-upstream"].split() if word.startswith("http_")}
    assert asked == {"http_502", "http_504"}  # not 500, nor 429 and 503, by which a full server sheds load


@pytest.mark.parametrize(
    ("retries", "expected"),
    [
        ({"tries": 1}, {"proxy-next-upstream-tries": "1", "proxy-next-upstream-timeout": "1"}),
        ({"connectTimeout": "3s"}, {"proxy-connect-timeout": "3", "proxy-next-upstream-timeout": "33"}),
    ],
    ids=str,
)
def test_tries_and_their_times_are_what_the_entry_says(retries: Config, expected: dict[str, str]) -> None:
    assert said(retries=retries) == {**said(), **expected}


@each(("pods", "expected"), [(0, 11), (1, 11), (2, 11), (3, 8), (4, 6), (10, 4), (32, 3), (999, 3)])
def test_the_fewer_the_pods_the_more_tries_as_each_may_meet_the_silent_one_again(pods: int, expected: int) -> None:
    assert tries(pods) == expected
    assert max(2, pods) ** (tries(pods) - 1) >= 1000


def declared(cluster: Config, route: Config, *, weight: int | None, scaling: Config | None = None) -> Objects[Declared]:
    given = put(stack(), "cluster", {"context": "prod", **cluster})
    if weight is not None:
        given = put(given, "release.web", release(weight=weight))
    blocks: dict[str, Any] = {"route": {"host": "web.example.com", "stableHosts": ["b.example.com"], **route}}
    return deployed(entry(services={"web": service(**blocks, **({"scaling": scaling} if scaling else {}))}), given)


def word(run: Objects[Declared], key: str, name: str = "web") -> str | None:
    return annotations(run.one("Ingress", name)).get(f"{NGINX}proxy-next-upstream{key}")


def test_stable_hosts_are_treated_alike_and_the_canary_is_by_the_main_ingress() -> None:
    run = declared({}, IDEMPOTENT, weight=20)
    assert [word(run, "", name) for name in ("web", "web-stable", "web-canary")] == [BEGUN, BEGUN, None]


def test_tries_go_by_the_fewest_pods_of_a_slot() -> None:
    ranged = {"minReplicas": 4, "maxReplicas": 10, "metrics": {"cpu": {"utilization": 70}}}
    assert word(declared({}, {}, weight=None, scaling=ranged), "-tries") == "6"


@pytest.mark.parametrize(
    ("counted", "weight", "expected"),
    [
        ("ingress-nginx", 20, UNBEGUN),
        ("ingress-nginx", 0, UNBEGUN),
        ("ingress-nginx", None, BEGUN),
        ("traefik", 20, BEGUN),
        (None, 20, BEGUN),
    ],
)
def test_where_the_proxy_counts_the_last_try_alone_nothing_begun_is_repeated_beside_a_canary(
    counted: str | None, weight: int | None, expected: str
) -> None:
    assert word(declared({"proxyMetrics": counted}, IDEMPOTENT, weight=weight), "") == expected


@pytest.mark.parametrize(("retries", "expected"), [({}, "off"), ({"retries": {}}, UNBEGUN)])
def test_an_entrys_own_annotation_gives_way_to_retries_that_it_asks_for_and_to_no_others(
    retries: Config, expected: str
) -> None:
    own = {f"{NGINX}proxy-next-upstream": "off"}
    assert word(declared({}, {"annotations": own, **retries}, weight=None), "") == expected
