"""What is asked of the series and cannot be answered is one line, before anything is deployed."""

import pytest

from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.resolve import resolve
from models.stack import StackSettings
from tests.each import each
from tests.samples import Config, accepted, entry, put, service, stack

OFF: Config = {"alerts": dict.fromkeys(["targetDown", "noTargetUp", "saturation", "replicasAtMax"])}
"""Without the alerts that every service has."""

EVERYTHING: Config = {
    "slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}},
    "meanLatency": {"above": "500ms", "for": "7m", "severity": "warning"},
}


def refusals(data: Config, services: Config) -> list[str]:
    try:
        resolve(accepted(StackSettings, data), accepted(CatalogueEntry, entry(services=services)))
    except ConfigurationError as error:
        return list(error.faults)
    return []


def lines(asked: Config | None, **cluster: object) -> list[str]:
    return refusals(put(stack(), "cluster", {"context": "prod", **cluster}), {"web": service(monitoring=asked)})


def test_a_latency_between_two_bounds_is_refused_in_one_line() -> None:
    assert lines({"slo": {"latency": {"percent": 99, "within": "400ms"}}}) == [
        (
            "catalog/shop.yaml: services.web.monitoring.slo.latency.within: 400ms is not a bound of "
            "http_request_duration_seconds, which has the bounds 5, 10, 25, 50, 100, 200, 230, 300, 500, 750, 1000, "
            "2500, 5000, 10000, 30000 ms; choose one of them"
        )
    ]


ASKED: list[Config] = [
    {"slo": {"availability": 99.9}, **OFF},
    {"meanLatency": {"above": "1s"}, **OFF},
    *({"alerts": {**OFF["alerts"], alert: {}}} for alert in OFF["alerts"]),
    {},
]


@each("asked", ASKED)
def test_scrapes_that_are_too_rare_for_the_windows_are_refused_in_one_line(asked: Config) -> None:
    assert lines({"interval": "76s", **asked}) == [
        (
            "catalog/shop.yaml: services.web.monitoring.interval: 76s between two scrapes leaves too few samples "
            "in the five-minute windows of the alerts; set at most 75s, or set each of monitoring.alerts to null and "
            "remove slo and meanLatency"
        )
    ]


@pytest.mark.parametrize(
    "monitoring",
    [EVERYTHING, {**EVERYTHING, "interval": "75s"}, {"interval": "75s"}, {"interval": "10m", **OFF}, None],
    ids=str,
)
def test_what_can_be_answered_is_no_fault(monitoring: Config) -> None:
    assert lines(monitoring) == []


def test_without_monitoring_nothing_is_asked_of_the_series() -> None:
    assert lines({"interval": "10m", **EVERYTHING}, monitoring=False) == []


def scaling(**metrics: object) -> Config:
    return {"minReplicas": 1, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}, **metrics}}


def adapted(*, monitoring: Config | None = None, **services: Config) -> list[str]:
    given: Config = {"monitoring": {}} if monitoring is None else monitoring
    made = {name: service(scaling=scaling(**metrics), **given) for name, metrics in services.items()}
    return refusals(stack(), made)


def pods(window: str = "2m") -> Config:
    return {"http_requests_total": {"average": 20, "window": window}}


def lag(query: str | None, **more: object) -> Config:
    return {"external": {"lag": {"average": 5, "query": query, **more}}}


@pytest.mark.parametrize(
    ("web", "api", "line"),
    [
        (
            {"pods": pods("2m")},
            {"pods": pods("60s")},
            (
                "catalog/shop.yaml: services.api.scaling.metrics.pods.http_requests_total.window: 60s, but web sets "
                "120s, and the adapter has one rule for each metric name; set the same window"
            ),
        ),
        (
            lag("a"),
            lag("b"),
            (
                "catalog/shop.yaml: services.api.scaling.metrics.external.lag.query: differs from the query of "
                "web, and the adapter has one rule for each metric name; set the same query, or choose another name"
            ),
        ),
        (
            lag("sum(queue)", labels={"queue": "a"}),
            {},
            (
                "catalog/shop.yaml: services.web.scaling.metrics.external.lag.labels: the query has no placeholder for "
                "labels; add {<<.LabelMatchers>>} after its series"
            ),
        ),
    ],
)
def test_what_the_adapter_could_not_serve_is_one_line(web: Config, api: Config, line: str) -> None:
    assert adapted(web=web, api=api) == [line]


def test_a_counter_that_nobody_scrapes_is_one_line() -> None:
    assert adapted(monitoring={"monitoring": None}, web={"pods": pods()}, api=lag("sum(queue)")) == [
        (
            "catalog/shop.yaml: services.web.scaling.metrics.pods: no Prometheus scrapes web, so no HPA can read these "
            "metrics; set monitoring"
        )
    ]


@pytest.mark.parametrize(
    ("web", "api"),
    [
        ({"pods": pods()}, {"pods": pods()}),
        (lag("sum(queue)"), lag("sum(queue)")),
        (lag(None, labels={"queue": "a"}), {}),
        (lag("sum(queue{<<.LabelMatchers>>})", labels={"queue": "a"}), {}),
        ({}, {}),
    ],
)
def test_what_the_adapter_can_serve_is_no_fault(web: Config, api: Config) -> None:
    assert adapted(web=web, api=api) == []
