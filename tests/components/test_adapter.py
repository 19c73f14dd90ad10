"""The rules by which prometheus-adapter serves what the HPAs of a system ask for."""

import re
from typing import Any

import yaml

from components.manifests import adapter
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.components.deploying import deployed
from tests.samples import Config, accepted, entry, service, stack

QUERY = 'sum(rate(http_requests_total{<<.LabelMatchers>>,service=~"web-.*"}[2m]))'


def scaling(**metrics: object) -> Config:
    return {"minReplicas": 1, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}, **metrics}}


def system(*, monitoring: Config | None = None, **services: Config) -> SystemSpec:
    given: Config = {"monitoring": {}} if monitoring is None else monitoring
    made = {name: service(scaling=scaling(**metrics), **given) for name, metrics in services.items()}
    return resolve(accepted(StackSettings, stack()), accepted(CatalogueEntry, entry(services=made)))


def rules(**services: Config) -> Config:
    text = adapter.adapter_rules(system(**services))
    assert text is not None
    return yaml.safe_load(text)


def pods(window: str = "2m") -> Config:
    return {"http_requests_total": {"average": 20, "window": window}}


def test_a_counter_is_served_as_its_rate_under_its_own_name_per_pod_of_the_systems_namespace() -> None:
    assert rules(web={"pods": pods()}) == {
        "rules": [
            {
                "seriesQuery": 'http_requests_total{namespace="shop-dev",pod!=""}',
                "resources": {"overrides": {"namespace": {"resource": "namespace"}, "pod": {"resource": "pod"}}},
                "name": {"matches": "^http_requests_total$", "as": "http_requests_total"},
                "metricsQuery": "sum(rate(<<.Series>>{<<.LabelMatchers>>,"
                'route!~"/healthz?|/metrics|/v2/.+/(live|ready)"}[120s])) by (<<.GroupBy>>)',
            }
        ],
        "externalRules": [],
    }


def test_the_rate_is_taken_over_the_entrys_window() -> None:
    (rule,) = rules(web={"pods": pods("45s")})["rules"]
    assert "[45s]" in rule["metricsQuery"]


def test_a_query_of_ours_is_served_under_the_metrics_name_before_there_is_any_request() -> None:
    found = rules(web={"external": {"requests_per_second": {"average": 500, "query": QUERY}}})
    assert found == {
        "rules": [],
        "externalRules": [
            {
                "seriesQuery": 'up{namespace="shop-dev"}',
                "resources": {"overrides": {"namespace": {"resource": "namespace"}}},
                "name": {"matches": "^up$", "as": "requests_per_second"},
                "metricsQuery": QUERY,
            }
        ],
    }


def test_a_name_matches_itself_alone() -> None:
    (rule,) = rules(web={"pods": {"hits": {"average": 1}}})["rules"]
    assert re.search(rule["name"]["matches"], "hits")
    assert not re.search(rule["name"]["matches"], "hits_total")


def test_somebody_elses_metric_and_a_resource_metric_need_no_rule() -> None:
    assert adapter.adapter_rules(system(web={"external": {"lag": {"average": 5}}}, api={})) is None
    assert deployed().of_kind("ConfigMap") != []
    assert "adapter-rules" not in {made.object_name for made in deployed().of_kind("ConfigMap")}


def test_two_services_share_a_rule_and_all_rules_are_in_order_of_their_names() -> None:
    both: dict[str, Any] = {"pods": {**pods(), "b": {"average": 1}, "a": {"average": 1}}}
    found = rules(web=both, api={"pods": pods()})
    assert [rule["name"]["as"] for rule in found["rules"]] == ["a", "b", "http_requests_total"]
    text = adapter.adapter_rules(system(web=both))
    assert text is not None
    assert "*id" not in text, "written out, for whoever merges them by hand"
    assert text == adapter.adapter_rules(system(web=both))


def test_the_rules_are_handed_over_as_a_config_map_of_the_system() -> None:
    run = deployed(entry(services={"web": service(scaling=scaling(pods=pods()))}))
    (text,) = run.one("ConfigMap", "adapter-rules").inputs["data"].values()
    assert text == adapter.adapter_rules(system(web={"pods": pods()}))
