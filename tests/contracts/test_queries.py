"""Every query of every alert and dashboard names metrics and labels that the servers export."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contracts.cases import CASES, in_every_case, objects_of
from tests.contracts.test_alerts import alerts
from tests.declared import Declared, Objects
from tests.each import each
from tests.queries import asked, exported, faults

ALERTS_OWN = {"namespace", "service", "slot", "alertstate", "alertname", "severity"}
"""Labels of Prometheus' own series ALERTS that every alert of ours has."""


def dashboards(run: Objects[Declared]) -> list[dict[str, Any]]:
    """The dashboards of a run, as Grafana reads them."""
    return [json.loads(text) for text in run.one("ConfigMap", "dashboard").inputs["data"].values()]


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Its panels, also those of folded rows."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def targets(run: Objects[Declared]) -> list[dict[str, Any]]:
    """The queries of all panels."""
    return [target for board in dashboards(run) for panel in panels(board) for target in panel.get("targets", [])]


@in_every_case
def test_every_query_of_an_alert_can_be_answered(run: Objects[Declared]) -> None:
    found = {alert["expr"]: list(faults(alert["expr"])) for alert in alerts(run)}
    assert found
    assert {expression: lines for expression, lines in found.items() if lines} == {}


@in_every_case
def test_every_query_of_a_dashboard_can_be_answered(run: Objects[Declared]) -> None:
    found = {target["expr"]: list(faults(target["expr"])) for target in targets(run)}
    assert len(found) > 15
    assert {expression: lines for expression, lines in found.items() if lines} == {}


@in_every_case
def test_a_series_is_called_by_labels_that_its_query_keeps(run: Objects[Declared]) -> None:
    for target in targets(run):
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert named <= asked(target["expr"]).grouped, target


@in_every_case
def test_the_marks_of_alerts_are_asked_for_by_labels_that_all_alerts_have(run: Objects[Declared]) -> None:
    for board in dashboards(run):
        for mark in board["annotations"]["list"]:
            ((metric, matchers),) = asked(mark["expr"]).selectors
            assert metric == "ALERTS"
            assert {matcher.name for matcher in matchers} <= ALERTS_OWN
            assert set(re.findall(r"\{\{(\w+)\}\}", mark["titleFormat"])) <= ALERTS_OWN
    for alert in alerts(run):
        assert set(alert["labels"]) >= ALERTS_OWN - {"alertstate", "alertname"}


def test_the_dashboards_together_show_every_metric_that_an_alert_compares() -> None:
    shown = {
        metric
        for case in CASES
        for target in targets(objects_of(case))
        for metric, _ in asked(target["expr"]).selectors
    }
    compared = {
        metric for case in CASES for alert in alerts(objects_of(case)) for metric, _ in asked(alert["expr"]).selectors
    }
    assert compared <= shown


@each(
    ("expression", "lines"),
    [
        ("sum(rate(http_request_total[5m]))", ["http_request_total: no such metric"]),
        ('http_requests_total{code="200"}', ["http_requests_total: has no label code"]),
        ("sum by (slot, pod) (up)", ["no series has the label slot"]),
        (
            'rate(http_request_duration_seconds_bucket{le="0.4"}[$__rate_interval])',
            ["http_request_duration_seconds_bucket: has no bucket 0.4"],
        ),
        (
            "histogram_quantile(0.5, sum by (pod) (rate(inference_batch_size_bucket[5m])))",
            ["histogram_quantile: needs the label le"],
        ),
        ("absent(upp == 1)", ["upp: no such metric"]),
        ('sum by (slipway_dev_slot, version) (slipway_build_info{pod="a"})', []),
    ],
)
def test_a_misspelt_query_would_be_seen(expression: str, lines: list[str]) -> None:
    assert list(faults(expression)) == lines


def test_what_is_no_promql_would_be_seen() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        asked("sum by (slot (up)")


def test_there_are_metrics_to_compare_with() -> None:
    assert {"http_requests_total", "process_cpu_seconds_total", "slipway_build_info"} <= exported().keys()
