"""Where requests go while one slot is live, and while the other one has its share."""

from typing import Any

import pytest

from components import labels
from tests.components.deploying import (
    ROUTE,
    annotations,
    deployed,
    ingress_backends,
    registered,
    released,
)
from tests.declared import Declared, Objects
from tests.samples import IMAGE, OTHER_IMAGE, WITHOUT_MANAGEMENT, entry, put, release, service, stack

NGINX = "nginx.ingress.kubernetes.io/"
HOST, PARTNER = "web.example.com", "partner.example.com"


def canary(run: Objects[Declared]) -> Declared:
    return run.one("Ingress", "web-canary")


def alone(slot: str = "blue") -> Objects[Declared]:
    image = {"blue": IMAGE, "green": OTHER_IMAGE}[slot]
    data = put(stack(), "release.web", {"live": slot, "slots": {slot: {"image": image}}})
    return deployed(entry(services={"web": service(route=ROUTE)}), data)


def selected_slot(run: Objects[Declared], name: str) -> str:
    return run.one("Service", name).inputs["spec"]["selector"]["slipway.dev/slot"]


@pytest.mark.parametrize(("live", "other"), [("blue", "green"), ("green", "blue")])
def test_the_main_host_leads_to_the_live_slot_the_canary_to_the_other_and_stable_hosts_never_to_it(
    live: str, other: str
) -> None:
    run = released(live=live, weight=20)
    assert ingress_backends(run) == {HOST: f"web-{live}", f"{HOST} (canary)": f"web-{other}", PARTNER: "web"}
    assert selected_slot(run, "web") == selected_slot(run, f"web-{live}") == live
    assert selected_slot(run, f"web-{other}") == other


@pytest.mark.parametrize("slot", ["blue", "green"])
def test_with_one_slot_filled_there_is_no_canary(slot: str) -> None:
    run = alone(slot)
    assert ingress_backends(run) == {HOST: f"web-{slot}", PARTNER: "web"}
    assert selected_slot(run, "web") == slot
    assert [r.object_name for r in run.of_kind("Deployment")] == [f"web-{slot}"]


def test_the_canary_shadows_the_main_route_exactly() -> None:
    run = released(weight=20)
    (main,) = run.one("Ingress", "web").inputs["spec"]["rules"]
    (shadow,) = canary(run).inputs["spec"]["rules"]
    assert main["host"] == shadow["host"]
    (of_main,), (of_shadow,) = main["http"]["paths"], shadow["http"]["paths"]
    assert (
        (of_main["path"], of_main["pathType"]) == (of_shadow["path"], of_shadow["pathType"]) == ("/predict", "Prefix")
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weight": 20}, {"canary-weight": "20"}),
        ({"match": {"header": {"name": "X-Canary"}}}, {"canary-weight": "0", "canary-by-header": "X-Canary"}),
        ({"match": {"cookie": "canary"}}, {"canary-weight": "0", "canary-by-cookie": "canary"}),
    ],
    ids=str,
)
def test_only_the_canary_carries_the_split(changes: dict[str, Any], expected: dict[str, str]) -> None:
    run = released(**changes)
    split = {key.removeprefix(NGINX): value for key, value in annotations(canary(run)).items() if NGINX in key}
    assert split == {"canary": "true", **expected}
    others = [ingress for ingress in run.of_kind("Ingress") if ingress.object_name != "web-canary"]
    assert not any(f"{NGINX}canary" in key for ingress in others for key in annotations(ingress))


def deployment(run: Objects[Declared], slot: str) -> Declared:
    return run.one("Deployment", f"web-{slot}")


@pytest.mark.parametrize(
    ("kind", "name", "slot"),
    [
        ("Ingress", "web", "blue"),
        ("Ingress", "web-stable", "blue"),
        ("Service", "web", "blue"),
        ("Ingress", "web-canary", "green"),
    ],
)
def test_a_route_waits_for_the_slot_that_it_leads_to_and_for_no_other(kind: str, name: str, slot: str) -> None:
    run = released(weight=20)
    other = {"blue": "green", "green": "blue"}[slot]
    behind = run.one(kind, name).depends_on
    assert {deployment(run, slot).urn, run.one("Service", f"web-{slot}").urn} <= behind
    assert deployment(run, other).urn not in behind


def test_the_canary_turns_after_the_main_route() -> None:
    run = released(weight=20)
    assert run.one("Ingress", "web").urn in canary(run).depends_on
    assert canary(run).urn not in run.one("Ingress", "web").depends_on


def unrouted(**changes: object) -> Objects[Declared]:
    data = put(stack(), "release.web", release(**changes))
    return deployed(entry(services={"web": service()}), data)


@pytest.mark.parametrize("live", ["blue", "green"])
@pytest.mark.parametrize(
    ("weight", "selected"), [(0, {"live"}), (1, {"live", "other"}), (99, {"live", "other"}), (100, {"other"})]
)
def test_without_a_route_the_live_service_has_the_pods_that_the_weight_asks(
    live: str, weight: int, selected: set[str]
) -> None:
    run = unrouted(live=live, weight=weight)
    slots = {"live": live, "other": {"blue": "green", "green": "blue"}[live]}
    service_now = run.one("Service", "web")
    chosen = service_now.inputs["spec"]["selector"]
    pods = {slot: run.one("Deployment", f"web-{slot}") for slot in slots.values()}
    labelled = {slot: pod.inputs["spec"]["template"]["metadata"]["labels"] for slot, pod in pods.items()}
    wanted = {slots[role] for role in selected}
    assert {slot for slot in pods if chosen.items() <= labelled[slot].items()} == wanted
    assert {slot for slot, pod in pods.items() if pod.urn in service_now.depends_on} == wanted
    assert run.of_kind("Ingress") == []


@pytest.mark.parametrize("weight", [0, 50, 100])
def test_with_a_route_the_live_service_has_the_live_slot_whatever_the_weight(weight: int) -> None:
    assert selected_slot(released(weight=weight), "web") == "blue"


def of_blue(run: Objects[Declared]) -> dict[str, dict[str, Any]]:
    return {r.name: r.inputs for r in run.resources if r.urn.startswith("Slot/web-blue-")}


@pytest.mark.parametrize("weight", [0, 20, 100])
def test_filling_the_other_slot_changes_nothing_of_the_live_one(weight: int) -> None:
    before, after = of_blue(alone("blue")), of_blue(released(weight=weight))
    assert len(before) == 5
    assert after == before


def test_turning_the_traffic_changes_no_slot() -> None:
    one, other = released(weight=100), released(live="green", weight=0)
    assert of_blue(one) == of_blue(other)
    slots = [{r.name: r.inputs for r in run.of_kind("Deployment")} for run in (one, other)]
    assert slots[0] == slots[1]


def test_the_main_route_keeps_its_identity_when_green_becomes_live() -> None:
    runs = released(weight=100), released(live="green")
    assert {r.urn for r in runs[0].of_kind("Ingress")} == {r.urn for r in runs[1].of_kind("Ingress")}


def test_a_route_without_stable_hosts_needs_no_stable_ingress() -> None:
    run = deployed(entry(services={"web": service(route={"host": HOST})}))
    assert ingress_backends(run) == {HOST: "web-blue"}


def test_a_service_without_a_route_has_a_live_service_and_no_ingress() -> None:
    run = registered(entry(services={"web": service()}))
    assert run.of_kind("Ingress") == []
    assert selected_slot(run, "web") == "blue"
    assert "url" not in run.outputs["services"]["web"]


def test_the_ingress_class_is_the_clusters() -> None:
    run = deployed(stack_data=put(stack(), "cluster.ingressClass", "internal"))
    assert run.one("Ingress").inputs["spec"]["ingressClassName"] == "internal"


def test_the_monitor_reads_the_private_services_at_the_entrys_path_and_pace() -> None:
    monitoring = {"path": "/m", "interval": "15s", "labels": {"release": "prometheus", labels.SERVICE: "other"}}
    run = deployed(entry(services={"web": service(monitoring=monitoring)}))
    monitor = run.one("ServiceMonitor")
    assert monitor.inputs["spec"]["endpoints"] == [{"port": "web", "path": "/m", "interval": "15s"}]
    assert monitor.inputs["spec"]["targetLabels"] == ["slipway.dev/slot"]
    assert monitor.inputs["metadata"]["labels"]["release"] == "prometheus"
    assert monitor.inputs["metadata"]["labels"][labels.SERVICE] == "web", "our own labels win"
    assert monitor.inputs["spec"]["selector"]["matchLabels"] == {
        "app.kubernetes.io/name": "web",
        "slipway.dev/role": "slot",
    }


SCRAPE = {"path": "/metrics", "interval": "30s"}


def test_a_management_port_is_scraped_at_the_pods_and_the_main_port_of_those_without_one_alone() -> None:
    run = deployed(entry(services={"web": service(managementPort=9090)}))
    assert run.one("ServiceMonitor").inputs["spec"]["endpoints"] == [
        {"port": "web", **SCRAPE, "relabelings": [WITHOUT_MANAGEMENT]},
        {"targetPort": "management", **SCRAPE},
    ]
    ports = {port["name"] for each in run.of_kind("Service") for port in each.inputs["spec"]["ports"]}
    assert ports == {"web"}, "no Service leads to the management port"


def test_a_scrape_is_given_as_long_as_the_entry_says() -> None:
    run = deployed(entry(services={"web": service(monitoring={"interval": "20s", "timeout": "9s"})}))
    (endpoint,) = run.one("ServiceMonitor").inputs["spec"]["endpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("20s", "9s")


@pytest.mark.parametrize(("monitoring", "cluster"), [(None, True), ({}, False)])
def test_monitoring_is_left_out_where_the_entry_or_the_cluster_has_none(monitoring: object, cluster: bool) -> None:
    data = put(stack(), "cluster.monitoring", cluster)
    assert deployed(entry(services={"web": service(monitoring=monitoring)}), data).of_kind("ServiceMonitor") == []
