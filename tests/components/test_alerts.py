"""The alerts of what a service promises: what they compare, for whom, and what a person who is paged finds.

What Prometheus makes of them is tests/cluster/test_alerts.py's.
"""

import re
from typing import Any

import pytest

from components.manifests import selectors
from serving.http.observe import PROBES
from tests.components.deploying import deployed
from tests.each import each
from tests.samples import SLIPWAY, Config, entry, put, service, stack

EVERYTHING: Config = {
    "slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}},
    "meanLatency": {"above": "500ms", "for": "7m", "severity": "warning"},
}
OFF: Config = {"alerts": dict.fromkeys(["targetDown", "noTargetUp", "saturation", "replicasAtMax"])}
"""Without the alerts that every service has: they are test_pod_alerts.py's."""


def group(monitoring: Config, **cluster: object) -> dict[str, Any]:
    data = put(stack(), "cluster", {"context": "prod", **cluster})
    run = deployed(entry(services={"web": service(monitoring={**OFF, **monitoring})}), data)
    (found,) = run.one("PrometheusRule", "web").inputs["spec"]["groups"]
    return found


def rules(monitoring: Config, **cluster: object) -> list[dict[str, Any]]:
    return group(monitoring, **cluster)["rules"]


def windows(rule: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\[(\w+)\]", rule["expr"])))


def thresholds(rule: dict[str, Any]) -> set[str]:
    return set(re.findall(r"> ([\d.]+)", rule["expr"]))


def test_each_objective_is_burnt_at_four_rates_two_that_page_and_two_tickets() -> None:
    found = [
        (rule["alert"], *windows(rule), *thresholds(rule), rule["labels"]["severity"], rule["labels"]["window"])
        for rule in rules({"slo": EVERYTHING["slo"]})
    ]
    assert found == [
        ("AvailabilityBudgetBurn", "1h", "5m", "0.0144", "critical", "1h"),
        ("AvailabilityBudgetBurn", "6h", "30m", "0.006", "critical", "6h"),
        ("AvailabilityBudgetBurn", "1d", "2h", "0.003", "warning", "1d"),
        ("AvailabilityBudgetBurn", "3d", "6h", "0.001", "warning", "3d"),
        ("LatencyBudgetBurn", "1h", "5m", "0.144", "critical", "1h"),
        ("LatencyBudgetBurn", "6h", "30m", "0.06", "critical", "6h"),
        ("LatencyBudgetBurn", "1d", "2h", "0.03", "warning", "1d"),
        ("LatencyBudgetBurn", "3d", "6h", "0.01", "warning", "3d"),
    ]


def test_a_burn_rate_that_not_even_an_outage_reaches_is_no_alert() -> None:
    assert [windows(rule)[0] for rule in rules({"slo": {"availability": 90}})] == ["6h", "1d", "3d"]
    assert [windows(rule)[0] for rule in rules({"slo": {"availability": 50}})] == ["3d"]


def test_a_threshold_is_exact_however_small_the_budget_is() -> None:
    assert thresholds(rules({"slo": {"availability": 99.9999}})[0]) == {"0.0000144"}


MATCHERS = 'namespace="shop-dev",service=~"web-blue|web-green",route!~"/healthz?|/metrics|/v2/.+/(live|ready)"'
BY = "sum by (slipway_dev_slot)"


def test_availability_is_the_share_of_5xx_among_somebodys_requests_to_a_slot() -> None:
    share = (
        f'{BY} (rate(http_requests_total{{{MATCHERS},status=~"5.."}}[WINDOW]))'
        f" / {BY} (rate(http_requests_total{{{MATCHERS}}}[WINDOW]))"
    )
    long, short = share.replace("WINDOW", "1h"), share.replace("WINDOW", "5m")
    assert rules({"slo": {"availability": 99.9}})[0]["expr"] == f"({long}) > 0.0144\nand\n({short}) > 0.0144"


@pytest.mark.parametrize(
    ("within", "bound"), [("500ms", '="0.5"'), ("1s", r'=~"1\\.0|1"'), ("230ms", '="0.23"'), ("10s", r'=~"10\\.0|10"')]
)
def test_latency_is_the_share_that_is_not_in_the_bucket_of_the_objective(within: str, bound: str) -> None:
    share = (
        f"1 - {BY} (rate(http_request_duration_seconds_bucket{{{MATCHERS},le{bound}}}[WINDOW]))"
        f" / {BY} (rate(http_request_duration_seconds_count{{{MATCHERS}}}[WINDOW]))"
    )
    long, short = share.replace("WINDOW", "1h"), share.replace("WINDOW", "5m")
    slo = {"latency": {"percent": 99, "within": within}}
    assert rules({"slo": slo})[0]["expr"] == f"({long}) > 0.144\nand\n({short}) > 0.144"


def test_high_inference_latency_is_the_mean_above_the_entrys_limit_for_as_long_as_it_says() -> None:
    (rule,) = rules({"meanLatency": EVERYTHING["meanLatency"]})
    assert rule["alert"] == "HighInferenceLatency"
    series = 'namespace="shop-dev",service=~"web-blue|web-green"'
    assert rule["expr"] == (
        f"{BY} (rate(inference_duration_seconds_sum{{{series}}}[5m]))\n/\n"
        f"{BY} (rate(inference_duration_seconds_count{{{series}}}[5m]))\n> 0.5"
    )
    assert rule["for"] == "420s"
    assert rule["labels"]["severity"] == "warning"


def test_by_default_a_mean_must_be_high_for_five_minutes_and_is_critical() -> None:
    (rule,) = rules({"meanLatency": {"above": "2s"}})
    assert (rule["for"], rule["labels"]["severity"], thresholds(rule)) == ("300s", "critical", {"2"})


def test_every_alert_says_whom_it_is_about_and_what_is_wrong() -> None:
    found = rules(EVERYTHING)
    assert len(found) == 9
    for rule in found:
        assert rule["labels"]["service"] == "web"
        assert rule["labels"]["namespace"] == "shop-dev"
        assert rule["labels"]["slot"] == "{{ $labels.slipway_dev_slot }}"
        assert set(rule["annotations"]) == {"summary", "description"}
        assert all(len(text) > 20 for text in rule["annotations"].values())


def test_a_runbook_is_linked_where_the_cluster_has_one() -> None:
    found = rules(EVERYTHING, runbookUrl="https://wiki.example.com/slipway")
    links = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in found}
    assert links == {
        "AvailabilityBudgetBurn": "https://wiki.example.com/slipway#availabilitybudgetburn",
        "LatencyBudgetBurn": "https://wiki.example.com/slipway#latencybudgetburn",
        "HighInferenceLatency": "https://wiki.example.com/slipway#highinferencelatency",
    }


@pytest.mark.parametrize("monitoring", [OFF, {"path": "/m", **OFF}, None])
def test_a_service_without_objectives_that_switches_the_others_off_has_no_alerts(monitoring: Config | None) -> None:
    assert deployed(entry(services={"web": service(monitoring=monitoring)})).of_kind("PrometheusRule") == []


def test_a_cluster_without_monitoring_gets_no_alerts() -> None:
    data = put(stack(), "cluster.monitoring", value=False)
    assert deployed(entry(services={"web": service(monitoring=EVERYTHING)}), data).of_kind("PrometheusRule") == []


def test_prometheus_finds_the_rules_by_the_labels_by_which_it_finds_the_monitor() -> None:
    monitoring = {**EVERYTHING, "labels": {"release": "prometheus", "app.kubernetes.io/name": "other"}}
    run = deployed(entry(services={"web": service(monitoring=monitoring)}))
    rule, scrape = run.one("PrometheusRule").inputs, run.one("ServiceMonitor").inputs
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert rule["metadata"]["labels"] == scrape["metadata"]["labels"]
    assert rule["metadata"]["labels"]["app.kubernetes.io/name"] == "web", "our own labels win"
    assert rule["metadata"]["namespace"] == "shop-dev"


def test_groups_of_two_services_and_of_two_namespaces_have_different_names() -> None:
    assert group(EVERYTHING)["name"] == "shop-dev/web"


@each("route", sorted([*PROBES, "/", "/predict", "/v2/models/{model}/infer", "/live", "unmatched"]))
def test_exactly_the_servers_probes_are_left_out(route: str) -> None:
    (pattern,) = re.findall(
        r'^,route!~"(.+)"$', selectors.without(SLIPWAY.requests.without if SLIPWAY.requests else {})
    )
    assert bool(re.fullmatch(pattern, route)) is (route in PROBES)
