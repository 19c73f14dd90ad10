"""What a route may say where a Gateway splits traffic; the rest is refused rather than left out."""

import pytest

from tests.models.test_stack_rules import apart, joined
from tests.samples import Config, entry, release, service, stack


def on_a_gateway(given: Config | None = None) -> Config:
    gateway = {"context": "prod", "traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}
    return stack("dev", cluster=gateway, release={"web": release(**(given or {}))})


def routed(**route: object) -> Config:
    return entry(services={"web": service(route={"host": "web.example.com", **route})})


@pytest.mark.parametrize(
    ("route", "line"),
    [
        ({"tls": {"secret": "web-tls"}}, "tls: TLS ends at the Gateway's listener"),
        ({"rateLimit": {"perSecond": 5}}, "rateLimit: HTTPRoute has no rate limit"),
        ({"session": {}}, "session: sessions are an experimental feature of HTTPRoute"),
        ({"maxBody": "1Mi"}, "maxBody: HTTPRoute has no limit on the body size"),
        ({"retries": {"tries": 2}}, "retries: retries are an experimental feature of HTTPRoute"),
        ({"annotations": {"example.com/waf": "on"}}, "annotations: annotations apply to an Ingress, and there is none"),
    ],
)
def test_what_an_http_route_cannot_say_is_refused_where_a_gateway_splits_and_there_alone(
    route: Config, line: str
) -> None:
    where = "catalog/shop.yaml: services.web.route"
    assert apart(on_a_gateway(), routed(**route)) == (
        f"{where}.{line}; remove it where slipway:cluster.traffic is gateway",
    )
    assert joined(stack("dev"), routed(**route)).cluster.traffic == "nginx"


@pytest.mark.parametrize(
    ("route", "line"),
    [
        (
            {"path": "/prédict"},
            (
                "path: '/prédict': an HTTPRoute allows only letters, digits, %xx and -._~!$&'()*+,;=:@/, at most 1024 "
                "characters; correct it"
            ),
        ),
        *(
            (
                {"path": f"/a{escape}b"},
                (
                    f"path: '/a{escape}b': contains {escape}, which a proxy decodes before it compares paths, so no "
                    "request would match; use an escape of a reserved character, such as %3B, or another path"
                ),
            )
            for escape in ("%20", "%41", "%E2", "%3b", "%2D")
        ),
        ({"timeout": "100000s"}, "timeout: an HTTPRoute allows at most 99999 s; lower it"),
        (
            {"stableHosts": [f"h{n}.example.com" for n in range(17)]},
            "stableHosts: an HTTPRoute allows at most 16 hosts; remove some",
        ),
    ],
)
def test_limits_of_the_gateway_api_are_told_before_the_api_server_tells_them(route: Config, line: str) -> None:
    assert apart(on_a_gateway(), routed(**route)) == (f"catalog/shop.yaml: services.web.route.{line}",)


def test_what_an_http_route_can_say_is_accepted_on_a_gateway() -> None:
    hosts = [f"h{n}.example.com" for n in range(16)]
    route = routed(path="/a-b/%3B~%25%40%5B%21", pathType="Exact", timeout="99999s", stableHosts=hosts)
    match = {"header": {"name": "X", "pattern": "(?i)^b(?:x|y)$"}, "cookie": "c"}
    assert joined(on_a_gateway({"match": match}), route).cluster.gateway is not None
