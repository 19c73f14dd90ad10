"""HTTPRoutes on somebody else's Gateway: whom they lead where, and that both drivers split alike."""

from typing import Any

import pytest

from tests.components.deploying import ROUTE, annotations, deployed
from tests.declared import Declared, Objects
from tests.each import each
from tests.samples import Config, entry, put, release, service, stack
from tests.splitting import (
    LIVE,
    OTHER,
    REQUESTS,
    STATES,
    Asked,
    State,
    share_by_annotations,
    share_by_rules,
    wanted,
)

GATEWAY: Config = {"name": "public", "namespace": "edge"}
HOST, PARTNER = "web.example.com", "partner.example.com"


def on_a_gateway(given: Config | None = None, route: Config | None = None, **gateway: object) -> Objects[Declared]:
    data = put(put(stack(), "cluster.traffic", "gateway"), "cluster.gateway", {**GATEWAY, **gateway})
    if given is not None:
        data = put(data, "release.web", release(**given))
    return deployed(entry(services={"web": service(route=route or ROUTE, exposure={"port": 8000})}), data)


def spec(run: Objects[Declared], name: str) -> dict[str, Any]:
    return run.one("HTTPRoute", name).inputs["spec"]


def backends(rule: dict[str, Any]) -> dict[str, int]:
    return {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}


@each("state", STATES)
def test_both_drivers_send_every_request_where_the_release_says(state: State) -> None:
    routed = spec(on_a_gateway(state.release), "web")
    data = put(stack(), "release.web", release(**state.release))
    canary = annotations(deployed(stack_data=data).one("Ingress", "web-canary"))
    truth = {asked: wanted(state, asked) for asked in REQUESTS}
    assert {asked: share_by_rules(routed, f"web-{OTHER}", asked) for asked in REQUESTS} == truth
    assert {asked: 100 - share_by_rules(routed, f"web-{LIVE}", asked) for asked in REQUESTS} == truth
    assert {asked: share_by_annotations(canary, asked) for asked in REQUESTS} == truth


def test_the_table_tells_precedence_apart() -> None:
    said = [Asked("never", "always"), Asked("beta", "always"), Asked("b", "b")]
    assert [wanted(State("word", 20), asked) for asked in said] == [0, 100, 20]


def test_there_is_no_ingress_and_every_route_is_attached_to_the_clusters_gateway() -> None:
    run = on_a_gateway({"weight": 20}, listener="web")
    assert run.of_kind("Ingress") == []
    routes = run.of_kind("HTTPRoute")
    assert {route.object_name: route.inputs["spec"]["hostnames"] for route in routes} == {
        "web": [HOST],
        "web-stable": [PARTNER],
    }
    for route in routes:
        assert route.inputs["apiVersion"] == "gateway.networking.k8s.io/v1"
        assert route.inputs["spec"]["parentRefs"] == [{"name": "public", "namespace": "edge", "sectionName": "web"}]
        assert annotations(route) == {"pulumi.com/skipAwait": "true"}


def test_without_a_listener_the_gateway_chooses() -> None:
    assert spec(on_a_gateway(), "web")["parentRefs"] == [GATEWAY]


def test_with_one_slot_filled_it_gets_all() -> None:
    (rule,) = spec(on_a_gateway(), "web")["rules"]
    assert rule["backendRefs"] == [{"name": "web-blue", "port": 80, "weight": 100}]


def test_stable_hosts_lead_to_the_live_service_alone_at_its_own_port() -> None:
    (rule,) = spec(on_a_gateway({"weight": 100, "match": {"cookie": "canary"}}), "web-stable")["rules"]
    assert rule["backendRefs"] == [{"name": "web", "port": 8000, "weight": 1}]
    assert "headers" not in rule["matches"][0]


@pytest.mark.parametrize(("path_type", "expected"), [("Prefix", "PathPrefix"), ("Exact", "Exact")])
def test_every_rule_has_the_routes_path_and_time(path_type: str, expected: str) -> None:
    route = {**ROUTE, "pathType": path_type, "timeout": "90s"}
    run = on_a_gateway({"weight": 20, "match": {"header": {"name": "X"}, "cookie": "c"}}, route)
    rules = [*spec(run, "web")["rules"], *spec(run, "web-stable")["rules"]]
    assert len(rules) == 6
    for rule in rules:
        (match,) = rule["matches"]
        assert match["path"] == {"type": expected, "value": "/predict"}
        assert rule["timeouts"] == {"request": "90s"}


def test_without_a_time_the_proxy_keeps_its_own() -> None:
    assert "timeouts" not in spec(on_a_gateway(), "web")["rules"][0]


def test_a_promotion_changes_no_rule() -> None:
    before, after = on_a_gateway({"weight": 100}), on_a_gateway({"live": "green", "weight": 0})
    assert spec(before, "web") == spec(after, "web")
    assert backends(spec(after, "web")["rules"][0]) == {"web-blue": 0, "web-green": 100}


def test_the_split_host_waits_for_both_slots_and_stable_hosts_for_the_live_one() -> None:
    run = on_a_gateway({"weight": 0})
    ready = {slot: run.one("Deployment", f"web-{slot}").urn for slot in ("blue", "green")}
    assert set(ready.values()) <= run.one("HTTPRoute", "web").depends_on
    stable = run.one("HTTPRoute", "web-stable").depends_on
    assert ready["blue"] in stable
    assert ready["green"] not in stable


def test_a_cookies_name_is_taken_literally() -> None:
    rules = spec(on_a_gateway({"match": {"cookie": "a.b+c"}}), "web")["rules"]
    (pattern,) = rules[0]["matches"][0]["headers"]
    assert pattern["value"] == r"^(?:.*;\s*)?a\.b\+c=always(?:;.*)?$"
