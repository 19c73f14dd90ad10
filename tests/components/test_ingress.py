"""What the proxy is told about a route: certificates, limits, sessions, and the canary's share."""

from typing import Any

from components.manifests import ingress
from models.release import ServiceRelease
from models.routing import Route, Session
from tests.components.deploying import annotations, deployed, released
from tests.declared import Declared, Objects
from tests.each import each
from tests.samples import Config, accepted, entry, put, release, service, stack

NGINX = "nginx.ingress.kubernetes.io/"
ISSUER = "cert-manager.io/cluster-issuer"
HOST, PARTNER = "web.example.com", "partner.example.com"


RETRIED = {
    "proxy-connect-timeout": "1",
    "proxy-next-upstream": "error timeout",
    "proxy-next-upstream-tries": "11",
    "proxy-next-upstream-timeout": "11",
}
"""Of a route that says nothing of retries, over two pods."""


def route(**changes: object) -> Route:
    return accepted(Route, {"host": HOST, **changes})


def said(**changes: object) -> dict[str, str]:
    """What a route's blocks say, beside the retries that every route has."""
    given = ingress.route_annotations(route(**changes), pods=2, longest=30)
    assert all(key.startswith(NGINX) for key in given)
    found = {key.removeprefix(NGINX): value for key, value in given.items()}
    assert RETRIED.items() <= found.items()
    return {key: value for key, value in found.items() if key not in RETRIED}


@each(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"rateLimit": {"perSecond": 50}}, {"limit-rps": "50", "limit-burst-multiplier": "5"}),
        ({"rateLimit": {"perSecond": 2, "burst": 3}}, {"limit-rps": "2", "limit-burst-multiplier": "3"}),
        ({"session": {}}, {"affinity": "cookie", "session-cookie-name": "slipway"}),
        (
            {"session": {"cookie": "ab", "maxAge": 3600}},
            {"affinity": "cookie", "session-cookie-name": "ab", "session-cookie-max-age": "3600"},
        ),
        ({"maxBody": "8Mi"}, {"proxy-body-size": "8388608", "proxy-request-buffering": "on"}),
        ({"maxBody": "8M"}, {"proxy-body-size": "8000000", "proxy-request-buffering": "on"}),
        ({"timeout": "1m30s"}, {"proxy-read-timeout": "90", "proxy-send-timeout": "90"}),
    ],
)
def test_each_block_of_a_route_is_what_nginx_calls_it(changes: Config, expected: dict[str, str]) -> None:
    assert said(**changes) == expected


def test_all_blocks_stand_beside_each_other() -> None:
    everything = said(rateLimit={"perSecond": 1}, session={}, maxBody="1Ki", timeout="9s")
    assert len(everything) == 8


def test_an_entrys_own_annotation_for_the_proxy_stands_beside_ours_on_every_host_that_it_is_for() -> None:
    own = {"example.com/waf": "on"}
    run = both_slots(annotations=own)
    for name, wanted in {"web": own, "web-stable": own, "web-canary": {}}.items():
        assert {k: v for k, v in annotations(run.one("Ingress", name)).items() if k in own} == wanted
    assert of(run, "web") == {**TREATED, "cluster-issuer": "letsencrypt", "waf": "on"}


FULL: Config = {
    "host": HOST,
    "path": "/predict",
    "stableHosts": [PARTNER],
    "tls": {"secret": "web-tls", "issuer": "letsencrypt"},
    "rateLimit": {"perSecond": 50},
    "session": {"cookie": "ab"},
}


def both_slots(**changes: object) -> Objects[Declared]:
    data = put(stack(), "release.web", release(weight=20))
    return deployed(entry(services={"web": service(route={**FULL, **changes})}), data)


def of(run: Objects[Declared], name: str) -> dict[str, str]:
    """An Ingress's annotations for proxies and certificates."""
    found = annotations(run.one("Ingress", name))
    return {key.rpartition("/")[2]: value for key, value in found.items() if "pulumi" not in key}


TREATED = {
    **RETRIED,
    "limit-rps": "50",
    "limit-burst-multiplier": "5",
    "affinity": "cookie",
    "session-cookie-name": "ab",
}


def test_the_main_and_the_stable_hosts_are_treated_alike_and_the_canary_repeats_nothing() -> None:
    run = both_slots()
    assert of(run, "web") == {**TREATED, "cluster-issuer": "letsencrypt"}
    assert of(run, "web-stable") == TREATED
    assert of(run, "web-canary") == {"canary": "true", "canary-weight": "20", "affinity-canary-behavior": "sticky"}


def test_no_ingress_is_waited_for() -> None:
    for made in both_slots().of_kind("Ingress"):
        assert annotations(made)["pulumi.com/skipAwait"] == "true"


def tls(run: Objects[Declared], name: str) -> list[dict[str, Any]] | None:
    return run.one("Ingress", name).inputs["spec"].get("tls")


def test_one_certificate_covers_all_hosts_and_is_asked_for_once() -> None:
    run = both_slots()
    assert tls(run, "web") == [{"hosts": [HOST, PARTNER], "secretName": "web-tls"}]
    assert tls(run, "web-stable") == [{"hosts": [PARTNER], "secretName": "web-tls"}]
    assert tls(run, "web-canary") is None
    issuers = {made.object_name: annotations(made).get(ISSUER) for made in run.of_kind("Ingress")}
    assert issuers == {"web": "letsencrypt", "web-stable": None, "web-canary": None}


def test_a_secret_that_is_there_needs_no_issuer() -> None:
    run = both_slots(tls={"secret": "given"})
    assert tls(run, "web") == [{"hosts": [HOST, PARTNER], "secretName": "given"}]
    assert not any(ISSUER in annotations(made) for made in run.of_kind("Ingress"))


def test_without_tls_an_ingress_has_no_tls_section() -> None:
    run = released(weight=20)
    assert [tls(run, name) for name in ("web", "web-stable", "web-canary")] == [None, None, None]


HEADER = {"name": "X-Canary"}


@each(
    ("changes", "expected"),
    [
        ({"weight": 20}, {"canary-weight": "20"}),
        ({"weight": 0}, {"canary-weight": "0"}),
        ({"weight": 100}, {"canary-weight": "100"}),
        ({"match": {"header": HEADER}}, {"canary-weight": "0", "canary-by-header": "X-Canary"}),
        (
            {"match": {"header": {**HEADER, "value": "yes"}}},
            {"canary-weight": "0", "canary-by-header": "X-Canary", "canary-by-header-value": "yes"},
        ),
        (
            {"match": {"header": {**HEADER, "pattern": "^b"}}},
            {"canary-weight": "0", "canary-by-header": "X-Canary", "canary-by-header-pattern": "^b"},
        ),
        ({"match": {"cookie": "canary"}, "weight": 5}, {"canary-weight": "5", "canary-by-cookie": "canary"}),
        (
            {"match": {"header": HEADER, "cookie": "canary"}, "weight": 5},
            {"canary-weight": "5", "canary-by-header": "X-Canary", "canary-by-cookie": "canary"},
        ),
    ],
)
def test_the_canarys_annotations_say_what_the_release_says(changes: Config, expected: dict[str, str]) -> None:
    given = accepted(ServiceRelease, release(**changes))
    wanted = {f"{NGINX}{key}": value for key, value in {"canary": "true", **expected}.items()}
    assert ingress.canary_annotations(given) == wanted
    behavior = "sticky" if changes != {"weight": 0} else "legacy"
    in_session = {**wanted, f"{NGINX}affinity-canary-behavior": behavior}
    assert ingress.canary_annotations(given, Session()) == in_session


def test_a_session_does_not_keep_its_client_with_a_slot_that_gets_nothing_any_more() -> None:
    data = put(stack(), "release.web", release(weight=0))
    run = deployed(entry(services={"web": service(route=FULL)}), data)
    assert of(run, "web-canary")["affinity-canary-behavior"] == "legacy"
