"""How many replicas: a fixed number or a range, never both."""

import pytest
from pydantic import BaseModel, TypeAdapter

from models.scaling import Autoscaled, Disruption, Fixed, Scaling, Triggered
from models.service import ServiceSpec
from tests.each import each
from tests.models.tables import (
    AT_LEAST_1,
    EMPTY,
    INTEGER,
    MAP,
    NAME,
    REQUIRED,
    SHARE,
    TWO_HANDS,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import Config, accepted, refused, service

MOST = 2**31 - 1
CPU = {"cpu": {"utilization": 70}}
RANGE = {"minReplicas": 1, "maxReplicas": 3, "metrics": CPU}
REDIS = {"redis": {"store": "queue", "list": "celery", "length": 5}}
CRON = {"cron": {"timezone": "UTC", "start": "0 7 * * *", "end": "0 8 * * *", "replicas": 3}}


LOAD = {"prometheus": {"query": "sum(x)", "threshold": 5}}

CROSSED = "so the API server would refuse the HPA; lower minReplicas or raise maxReplicas"
CUT = "so the HPA would change it; choose a number in this range"
NOTHING_FAILS = (
    "fallback requires a redis or prometheus trigger, because KEDA has no fallback for cpu, and cron reads no source; "
    "add such a trigger, or remove fallback"
)


def triggered(**triggers: object) -> Config:
    return {"minReplicas": 0, "maxReplicas": 3, "triggers": triggers}


ACCEPTED: Accepted = [
    (Fixed, {"replicas": 1}),
    (Fixed, {"replicas": MOST}),
    (Autoscaled, RANGE),
    (Autoscaled, {**RANGE, "minReplicas": 3}),
    (Autoscaled, {**RANGE, "maxReplicas": MOST}),
    (Autoscaled, {**RANGE, "behavior": {"scaleUp": {"pods": 2}}}),
    (Triggered, triggered(length=REDIS)),
    (Triggered, {**triggered(length=REDIS, peak=CRON), "polling": "1s", "cooldown": "0s"}),
    (Triggered, {**triggered(busy=CPU), "minReplicas": 1}),
    (Triggered, triggered(busy=CPU, length=REDIS)),
    (Triggered, {**triggered(busy=CPU, length=REDIS), "fallback": {"replicas": 1}}),
    (Triggered, {**triggered(peak=CRON, load=LOAD), "fallback": {"replicas": 3, "failureThreshold": 0}}),
    (Triggered, {**triggered(load=LOAD), "minReplicas": 2, "fallback": {"replicas": 2, "behavior": "static"}}),
    (Disruption, {"maxUnavailable": 1}),
    (Disruption, {"minAvailable": 0}),
    (Disruption, {"minAvailable": "50%"}),
    (Disruption, {"maxUnavailable": "100%"}),
    (Disruption, {"minAvailable": "100%"}),
]
REFUSED: Refused = [
    (Fixed, {}, f"replicas: {REQUIRED}"),
    (Fixed, {"replicas": 0}, f"replicas: 0: {AT_LEAST_1}"),
    (Fixed, {"replicas": "2"}, f"replicas: '2': {INTEGER}"),
    (Fixed, {"replicas": 2.5}, f"replicas: 2.5: {INTEGER}"),
    (Fixed, {"replicas": MOST + 1}, "replicas: 2147483648: must be at most 2147483647, the limit of the API server"),
    (Fixed, {"replicas": 3, **RANGE}, f"replicas is a fixed number, but minReplicas, maxReplicas, metrics {TWO_HANDS}"),
    (Fixed, {"replicas": 3, "triggers": {"length": REDIS}}, f"replicas is a fixed number, but triggers {TWO_HANDS}"),
    (Autoscaled, {**RANGE, "minReplicas": 0}, f"minReplicas: 0: {AT_LEAST_1}"),
    (
        Autoscaled,
        {**RANGE, "minReplicas": 4},
        f"minReplicas 4 exceeds maxReplicas 3, {CROSSED}",
    ),
    (
        Autoscaled,
        {**RANGE, "maxReplicas": MOST + 1},
        "maxReplicas: 2147483648: must be at most 2147483647, the limit of the API server",
    ),
    (Autoscaled, {"minReplicas": 1, "maxReplicas": 2}, f"metrics: {REQUIRED}"),
    (
        Autoscaled,
        {**RANGE, "metrics": {}},
        "metrics: metrics is empty, but an HPA requires a metric; set cpu, memory, pods or external",
    ),
    (Autoscaled, {**RANGE, "metrics": {"cpu": 70}}, f"metrics.cpu: 70: {MAP}"),
    (Triggered, triggered(), f"triggers: {EMPTY}"),
    (Triggered, triggered(Length=REDIS), f"triggers.Length: 'Length': {NAME}"),
    (
        Triggered,
        triggered(length={}),
        "triggers.length: a trigger has exactly one kind, but none is set; set one of redis, prometheus, cron and cpu",
    ),
    (Triggered, triggered(length="celery"), f"triggers.length: 'celery': {MAP}"),
    (
        Triggered,
        {**triggered(length=REDIS), "minReplicas": 4},
        f"minReplicas 4 exceeds maxReplicas 3, {CROSSED}",
    ),
    (
        Triggered,
        {**triggered(length=REDIS), "minReplicas": -1},
        "minReplicas: -1: must be at least 0",
    ),
    (Triggered, {**triggered(length=REDIS), "polling": "0s"}, f"polling: 0: {AT_LEAST_1}"),
    (
        Triggered,
        {**triggered(length=REDIS), "metrics": CPU},
        "triggers and metrics exclude each other, because KEDA creates the HPA; declare cpu as a trigger",
    ),
    (
        Triggered,
        triggered(busy=CPU),
        "minReplicas 0 requires a trigger other than cpu, because 0 pods use no CPU; set minReplicas to 1",
    ),
    (
        Triggered,
        {**triggered(peak=CRON), "maxReplicas": 2},
        "triggers.peak.cron.replicas 3 exceeds maxReplicas 2; raise it",
    ),
    (Triggered, {**triggered(length=REDIS), "fallback": {}}, f"fallback.replicas: {REQUIRED}"),
    (Triggered, {**triggered(length=REDIS), "fallback": 2}, f"fallback: 2: {MAP}"),
    (Triggered, {**triggered(length=REDIS), "fallback": {"replicas": 0}}, f"fallback.replicas: 0: {AT_LEAST_1}"),
    (
        Triggered,
        {**triggered(length=REDIS), "fallback": {"replicas": 1, "failureThreshold": -1}},
        "fallback.failureThreshold: -1: must be at least 0",
    ),
    (
        Triggered,
        {**triggered(length=REDIS), "fallback": {"replicas": 1, "behavior": "currentReplicas"}},
        "fallback.behavior: 'currentReplicas': must be 'static' or 'currentReplicasIfHigher'",
    ),
    (
        Triggered,
        {**triggered(length=REDIS), "fallback": {"replicas": 4}},
        f"fallback.replicas 4 is not between minReplicas 0 and maxReplicas 3, {CUT}",
    ),
    (
        Triggered,
        {**triggered(length=REDIS), "minReplicas": 2, "fallback": {"replicas": 1}},
        f"fallback.replicas 1 is not between minReplicas 2 and maxReplicas 3, {CUT}",
    ),
    (Triggered, {**triggered(busy=CPU, peak=CRON), "fallback": {"replicas": 1}}, NOTHING_FAILS),
    (Triggered, {**triggered(busy=CPU), "minReplicas": 1, "fallback": {"replicas": 1}}, NOTHING_FAILS),
    (Disruption, {}, "the API server accepts exactly one of maxUnavailable and minAvailable; set one of them"),
    (
        Disruption,
        {"maxUnavailable": 1, "minAvailable": 1},
        "the API server accepts exactly one of maxUnavailable and minAvailable; set one of them",
    ),
    (Disruption, {"maxUnavailable": 0}, "maxUnavailable: 0: must be at least 1 and at most 2147483647"),
    (Disruption, {"maxUnavailable": "0%"}, "maxUnavailable: '0%': must be at least 1 and at most 2147483647"),
    (Disruption, {"maxUnavailable": "25"}, f"maxUnavailable: '25': {SHARE}"),
    (Disruption, {"minAvailable": -1}, "minAvailable: -1: must be at least 0 and at most 2147483647"),
    (
        Disruption,
        {"minAvailable": "101%"},
        "minAvailable: '101%': a percentage must be at most 100%, the limit of the API server",
    ),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(
    ("data", "kind", "floor", "ceiling"),
    [
        ({"replicas": 3}, Fixed, 3, 3),
        ({**RANGE, "minReplicas": 2}, Autoscaled, 2, 3),
        (triggered(length=REDIS), Triggered, 0, 3),
    ],
)
def test_the_keys_decide_who_moves_the_replicas(data: Config, kind: type[BaseModel], floor: int, ceiling: int) -> None:
    scaling = TypeAdapter[Autoscaled | Fixed | Triggered](Scaling).validate_python(data)
    assert (type(scaling), scaling.floor, scaling.ceiling) == (kind, floor, ceiling)


@each(
    ("scaling", "line"),
    [
        (None, "scaling: None: must be a map"),
        ([], "scaling: must be a map"),
        ({}, "scaling.minReplicas: required, but not set"),
        ({"minReplicas": 1, "maxReplicas": 3}, "scaling.metrics: required, but not set"),
        ({**RANGE, "replica": 1}, "scaling.replica: unknown key; did you mean 'minReplicas'?"),
        (triggered(a={"redis": {}}), "scaling.triggers.a.redis.store: required, but not set"),
        (
            triggered(a={"cron": {**CRON["cron"], "start": "x"}}),
            "scaling.triggers.a.cron.start: 'x': a cron expression",
        ),
    ],
)
def test_a_path_below_scaling_names_keys_of_the_file_alone(scaling: object, line: str) -> None:
    assert refused(ServiceSpec, service(scaling=scaling))[0].startswith(f"given: {line}")


@each(
    ("budget", "floor", "kept"),
    [
        ({"minAvailable": "50%"}, 4, "50%"),
        ({"minAvailable": "50%"}, 3, "50%"),
        ({"minAvailable": "50%"}, 1, 0),
        ({"minAvailable": "90%"}, 2, 1),
        ({"minAvailable": 3}, 2, 1),
        ({"minAvailable": 3}, 4, 3),
    ],
)
def test_a_budget_of_a_narrowed_slot_leaves_one_pod_evictable(budget: Config, floor: int, kept: int | str) -> None:
    assert accepted(Disruption, budget).within(floor).min_available == kept
