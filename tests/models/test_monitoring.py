"""Monitors, objectives and alerts."""

from decimal import Decimal

import pytest

from models.monitoring import LatencyObjective, MeanLatency, Monitoring, Slo
from tests.models.tables import (
    AT_LEAST_1,
    DURATION,
    HOST,
    LABEL,
    LABEL_KEY,
    LATENCY,
    PATH,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import accepted

ACCEPTED: Accepted = [
    (Monitoring, {}),
    (Monitoring, {"labels": {"release": "prometheus", "example.com/team": "", "A_b.c": "1"}}),
    (Monitoring, {"slo": {"availability": 99.9}, "meanLatency": {"above": "500ms"}}),
    (Slo, {"availability": 50}),
    (Slo, {"availability": "99.9999"}),
    (Slo, {"latency": {"percent": 99, "within": "1ms"}}),
    (MeanLatency, {"above": "2s", "for": "1m30s", "severity": "warning"}),
    (Monitoring, {"alerts": {"targetDown": None, "noTargetUp": {"for": "0s"}, "saturation": {"severity": "info"}}}),
    (Monitoring, {"alerts": {"replicasAtMax": {"for": "1h"}}}),
]
REFUSED: Refused = [
    (Monitoring, {"path": "metrics"}, f"path: 'metrics': {PATH}"),
    (Monitoring, {"interval": "0s"}, f"interval: 0: {AT_LEAST_1}"),
    (Monitoring, {"interval": 30}, f"interval: 30: {DURATION}"),
    (Monitoring, {"labels": {"": "x"}}, f"labels.: '': {LABEL_KEY}"),
    (Monitoring, {"labels": {"a b": "x"}}, f"labels.a b: 'a b': {LABEL}"),
    (Monitoring, {"labels": {"Example_/team": "x"}}, f"labels.Example_/team: 'Example_/team': {HOST}"),
    (Monitoring, {"labels": {"example.com/": "x"}}, f"labels.example.com/: 'example.com/': {LABEL_KEY}"),
    (Monitoring, {"labels": {"team": "-x"}}, f"labels.team: '-x': {LABEL}"),
    (Monitoring, {"labels": {"team": "x" * 64}}, f"labels.team: '{'x' * 64}': {LABEL}"),
    (Monitoring, {"alerts": {"saturation": {"for": 600}}}, f"alerts.saturation.for: 600: {DURATION}"),
    (Monitoring, {"slo": {}}, "slo: slo is empty; set availability or latency, or remove it"),
    (Slo, {"availability": 100}, "availability: 100: must be less than 100"),
    (Slo, {"availability": 49.9999}, "availability: 49.9999: must be at least 50"),
    (
        Slo,
        {"availability": "99.99999"},
        "availability: '99.99999': must have at most 6 digits",
    ),
    (Slo, {"availability": "three nines"}, "availability: 'three nines': must be a number, such as 99.9"),
    (Slo, {"availability": "99.9%"}, "availability: '99.9%': must be a number, such as 99.9"),
    (Slo, {"availability": True}, "availability: True: an objective is a percentage, such as 99.9"),
    (Slo, {"availability": "nan"}, "availability: 'nan': must be a finite number"),
    (Slo, {"latency": {"percent": 99}}, f"latency.within: {REQUIRED}"),
    (LatencyObjective, {"percent": 99, "within": 500}, f"within: 500: {LATENCY}"),
    (LatencyObjective, {"percent": 99, "within": "0ms"}, f"within: 0: {AT_LEAST_1}"),
    (LatencyObjective, {"percent": 99, "within": "0.5s"}, f"within: '0.5s': {LATENCY}"),
    (LatencyObjective, {"percent": 100, "within": "1s"}, "percent: 100: must be less than 100"),
    (MeanLatency, {}, f"above: {REQUIRED}"),
    (MeanLatency, {"above": "500ms", "holds": "5m"}, "holds: unknown key; known keys: above, for, severity"),
    (
        MeanLatency,
        {"above": "500ms", "severity": "page"},
        "severity: 'page': must be 'critical', 'warning' or 'info'",
    ),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(("given", "held"), [(99.9, "99.9"), (99.99, "99.99"), ("99.950", "99.950"), (99, "99")])
def test_an_objective_is_held_exactly_as_it_is_written(given: object, held: str) -> None:
    assert accepted(Slo, {"availability": given}).availability == Decimal(held)
