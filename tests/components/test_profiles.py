"""Alerts, panels, scrapes and doors of servers that are not ours: by their profile, or by their proxy's series."""

import json
from typing import Any

import promql_parser

from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.declared import Declared, Objects, declared
from tests.each import each
from tests.queries import asked
from tests.samples import Config, accepted, entry, put, service, stack

SLO: Config = {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}}
STRANGE: Config = {"server": {"context": "embedder"}}
TRAEFIK: Config = {"proxyMetrics": "traefik"}
GATEWAY: Config = {**TRAEFIK, "traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}


def made(cluster: Config | None = None, **spec: object) -> Objects[Declared]:
    described: Config = {"monitoring": {"slo": SLO, "meanLatency": {"above": "1s"}}, **spec}
    given = entry(images=STRANGE, services={"web": service(route={"host": "web.example.com"}, **described)})
    data = put(stack(), "cluster", {"context": "prod", **(cluster or {})})
    return declared(resolve(accepted(StackSettings, data), accepted(CatalogueEntry, given)))


def alerts(run: Objects[Declared]) -> dict[str, list[str]]:
    """The expressions by the names of the alerts."""
    found: dict[str, list[str]] = {}
    for group in run.one("PrometheusRule", "web").inputs["spec"]["groups"]:
        for rule in group["rules"]:
            found.setdefault(rule["alert"], []).append(rule["expr"])
    return found


def panels_of(run: Objects[Declared]) -> list[dict[str, Any]]:
    (text,) = run.one("ConfigMap", "dashboard").inputs["data"].values()
    return json.loads(text)["panels"]


def metrics(expression: str) -> set[str]:
    return {metric for metric, _ in asked(expression).selectors}


OBJECTIVES = {"AvailabilityBudgetBurn", "LatencyBudgetBurn"}
PODS = {"TargetDown", "NoTargetUp", "ReplicasAtMax"}


@each(
    ("name", "cluster", "expected"),
    [
        ("slipway", {}, OBJECTIVES | PODS | {"HighInferenceLatency", "Saturation"}),
        ("vllm", {}, OBJECTIVES | PODS | {"HighInferenceLatency", "Saturation"}),
        ("fastapi", {}, OBJECTIVES | PODS),
        ("bentoml", {}, OBJECTIVES | PODS),
        ("ray-serve", {}, OBJECTIVES | PODS),
        ("mlserver", {}, OBJECTIVES | PODS | {"HighInferenceLatency"}),
        ("triton", {}, (OBJECTIVES - {"LatencyBudgetBurn"}) | PODS | {"HighInferenceLatency", "Saturation"}),
        ("triton", TRAEFIK, OBJECTIVES | PODS | {"HighInferenceLatency", "Saturation"}),
        ("proxy", TRAEFIK, OBJECTIVES),
        ("proxy", GATEWAY, OBJECTIVES),
        ("proxy", {"proxyMetrics": "ingress-nginx"}, OBJECTIVES),
    ],
)
def test_each_profile_has_the_alerts_that_its_series_can_raise(name: str, cluster: Config, expected: set[str]) -> None:
    assert set(alerts(made(cluster, metricsProfile=name))) == expected


@each(
    ("name", "cluster"),
    [
        (name, cluster)
        for name in ("slipway", "fastapi", "mlserver", "bentoml", "ray-serve", "triton", "vllm", "proxy")
        for cluster in (TRAEFIK, GATEWAY, {"proxyMetrics": "ingress-nginx"})
    ],
)
def test_every_expression_is_promql_and_keeps_the_slot(name: str, cluster: Config) -> None:
    run = made(cluster, metricsProfile=name)
    for expressions in alerts(run).values():
        for expression in expressions:
            assert "slipway_dev_slot" in expression or expression.startswith("absent(up")
            promql_parser.parse(expression)
    found = [panel for panel in panels_of(run) if panel.get("targets")]
    assert found
    for panel in found:
        for target in panel["targets"]:
            asked(target["expr"])


def test_two_counters_are_added_though_their_series_have_the_same_labels() -> None:
    long, _ = alerts(made(metricsProfile="triton"))["AvailabilityBudgetBurn"][0].split("\nand\n")
    assert metrics(long) == {"nv_inference_request_success", "nv_inference_request_failure"}
    assert "label_replace(rate(nv_inference_request_success{" in long
    assert '"counter", "nv_inference_request_failure", "", "")' in long


def test_times_of_every_unit_are_compared_in_seconds() -> None:
    (triton,) = alerts(made(metricsProfile="triton"))["HighInferenceLatency"]
    assert triton.endswith(" / 1000000\n> 1")
    (ours,) = alerts(made(metricsProfile="slipway"))["HighInferenceLatency"]
    assert ours.endswith("))\n> 1")


def test_each_slot_is_read_by_its_own_names_at_the_proxy() -> None:
    (first, *_) = alerts(made(TRAEFIK, metricsProfile="proxy"))["AvailabilityBudgetBurn"]
    blue, green = first.split("slipway_dev_slot", 2)[:2]
    assert "shop-dev-web-web-blue-web@kubernetesingressnginx|shop-dev-web-web-green-web-canary@" in blue
    assert "shop-dev-web-web-blue-web-canary@kubernetesingressnginx|shop-dev-web-web-green-web@" in green


def test_our_servers_alerts_read_our_servers_whatever_proxy_there_is() -> None:
    found = alerts(made(TRAEFIK, metricsProfile="slipway"))
    assert found == alerts(made(metricsProfile="slipway"))
    assert metrics(found["AvailabilityBudgetBurn"][0]) == {"http_requests_total"}


def endpoint(run: Objects[Declared]) -> Config:
    (found,) = run.one("ServiceMonitor", "web").inputs["spec"]["endpoints"]
    return found


def from_prometheus(run: Objects[Declared]) -> list[Any]:
    """The ports at which the policy admits Prometheus."""
    rules = run.one("NetworkPolicy", "flows-web").inputs["spec"]["ingress"]
    return [rule["ports"][0]["port"] for rule in rules if "monitoring" in str(rule["from"])]


def test_a_port_of_its_own_is_scraped_and_admitted() -> None:
    run = made(metricsProfile="triton")
    assert endpoint(run)["relabelings"] == [
        {
            "sourceLabels": ["__address__"],
            "regex": "(.+):[0-9]+",
            "replacement": "$1:8002",
            "targetLabel": "__address__",
        }
    ]
    assert from_prometheus(run) == [8002]


def test_without_one_the_services_port_is() -> None:
    run = made(metricsProfile="vllm")
    assert "relabelings" not in endpoint(run)
    assert from_prometheus(run) == ["web"]


def test_pods_without_metrics_are_neither_scraped_nor_opened() -> None:
    run = made(TRAEFIK, metricsProfile="proxy")
    assert not [one for one in run.manifests if one.kind == "ServiceMonitor"]
    assert from_prometheus(run) == []


@each(("path", "expected"), [({}, "/stats"), ({"path": "/other"}, "/other")])
def test_the_path_is_the_entrys_or_the_profiles(path: Config, expected: str) -> None:
    own = {"path": "/stats", "queue": "waiting"}
    assert endpoint(made(metricsProfile=own, monitoring=path))["path"] == expected


def titles(run: Objects[Declared]) -> list[str]:
    return [panel["title"] for panel in panels_of(run) if panel.get("targets")]


def test_panels_without_series_are_left_out_and_further_histograms_have_one() -> None:
    assert titles(made(metricsProfile="vllm")) == [
        "Requests", "Errors", "Latency", "Share of requests by slot", "Remaining error budget", "Queue",
        "Wait for a worker", "In flight", "Inference", "First token", "Next token", "Pods", "CPU per pod",
        "Memory per pod",
    ]  # fmt: skip
    assert titles(made(TRAEFIK, metricsProfile="proxy")) == [
        "Requests", "Errors", "Latency", "Share of requests by slot", "Remaining error budget"
    ]  # fmt: skip
