"""The signals that replicas follow; the limits of the pace are the API server's own."""

from models.metrics import (
    Behavior,
    CronTrigger,
    ExternalMetric,
    Metrics,
    Pace,
    PodsMetric,
    PrometheusTrigger,
    RedisTrigger,
    ResourceTarget,
    Trigger,
)
from tests.models.tables import (
    AT_LEAST_1,
    FIVE_FIELDS,
    INTEGER,
    LABEL,
    METRIC,
    QUANTITY,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)

CRON = {"timezone": "Europe/Berlin", "start": "30 7 * * 1-5", "end": "0 18 * * 1-5", "replicas": 3}
REDIS = {"store": "queue", "list": "celery", "length": 5}

NO_PACE = "the pace is empty; set stabilization, pods or percent; Kubernetes' defaults apply to the others"

ACCEPTED: Accepted = [
    (ResourceTarget, {"utilization": 1}),
    (ResourceTarget, {"utilization": 100}),
    (ResourceTarget, {"utilization": 150}),
    (Pace, {"percent": 0}),
    (Pace, {"pods": 0}),
    (PodsMetric, {"average": 20}),
    (PodsMetric, {"average": "500m", "window": "10s"}),
    (ExternalMetric, {"average": 500, "query": "sum(depth)", "labels": {"queue": "large"}}),
    (Metrics, {"cpu": {"utilization": 70}}),
    (Metrics, {"memory": {"utilization": 70}}),
    (Metrics, {"pods": {"http_requests_total": {"average": 20}}}),
    (Metrics, {"external": {"job:depth:sum": {"average": 500}}}),
    (Pace, {"stabilization": "0s"}),
    (Pace, {"stabilization": "3600s"}),
    (Pace, {"pods": 1, "period": "1s"}),
    (Pace, {"percent": 100, "period": "1800s"}),
    (Behavior, {}),
    (Behavior, {"scaleDown": {"stabilization": "5m"}}),
    (CronTrigger, CRON),
    (CronTrigger, {**CRON, "timezone": "UTC"}),
    (Trigger, {"redis": REDIS}),
    (Trigger, {"prometheus": {"query": "sum(depth)", "threshold": "1.5"}}),
    (Trigger, {"cron": CRON}),
    (Trigger, {"cpu": {"utilization": 70}}),
]
REFUSED: Refused = [
    (ResourceTarget, {}, f"utilization: {REQUIRED}"),
    (ResourceTarget, {"utilization": 0}, f"utilization: 0: {AT_LEAST_1}"),
    (ResourceTarget, {"utilization": "70%"}, f"utilization: '70%': {INTEGER}"),
    (PodsMetric, {}, f"average: {REQUIRED}"),
    (PodsMetric, {"average": 0}, "average: 0: must be greater than 0"),
    (PodsMetric, {"average": "20/s"}, f"average: '20/s': {QUANTITY}"),
    (PodsMetric, {"average": 20, "window": "9s"}, f"window: 9: {AT_LEAST_1}0"),
    (ExternalMetric, {"average": 500, "query": ""}, "query: '': must not be empty"),
    (ExternalMetric, {"average": 500, "labels": {"a b": "x"}}, f"labels.a b: 'a b': {LABEL}"),
    (ExternalMetric, {"average": 500, "labels": {"queue": "a b"}}, f"labels.queue: 'a b': {LABEL}"),
    (Metrics, {}, "metrics is empty, but an HPA requires a metric; set cpu, memory, pods or external"),
    (Metrics, {"pods": {}}, "metrics is empty, but an HPA requires a metric; set cpu, memory, pods or external"),
    (Metrics, {"pods": {"http requests": {"average": 1}}}, f"pods.http requests: 'http requests': {METRIC}"),
    (Metrics, {"pods": {"7xx": {"average": 1}}}, f"pods.7xx: '7xx': {METRIC}"),
    (Metrics, {"external": {"depth/queue": {"average": 1}}}, f"external.depth/queue: 'depth/queue': {METRIC}"),
    (Metrics, {"gpu": {"utilization": 70}}, "gpu: unknown key; did you mean 'cpu'?"),
    (Pace, {}, NO_PACE),
    (Pace, {"period": "60s"}, NO_PACE),
    (Pace, {"stabilization": "3601s"}, "stabilization: '3601s': must be at most 3600"),
    (Pace, {"pods": -1}, "pods: -1: must be at least 0"),
    (Pace, {"percent": -1}, "percent: -1: must be at least 0"),
    (Pace, {"percent": "100%"}, f"percent: '100%': {INTEGER}"),
    (Pace, {"pods": 1, "period": "0s"}, f"period: 0: {AT_LEAST_1}"),
    (Pace, {"pods": 1, "period": "1801s"}, "period: 1801: must be at most 1800"),
    (Behavior, {"scaleUp": {}}, f"scaleUp: {NO_PACE}"),
    (Behavior, {"up": {"pods": 1}}, "up: unknown key; known keys: scaleUp, scaleDown"),
    (RedisTrigger, {**REDIS, "length": 0}, f"length: 0: {AT_LEAST_1}"),
    (RedisTrigger, {**REDIS, "list": ""}, "list: '': must not be empty"),
    (RedisTrigger, {"store": "queue", "list": "celery"}, f"length: {REQUIRED}"),
    (PrometheusTrigger, {"query": "", "threshold": 1}, "query: '': must not be empty"),
    (PrometheusTrigger, {"query": "sum(depth)", "threshold": "many"}, f"threshold: 'many': {QUANTITY}"),
    (
        CronTrigger,
        {**CRON, "timezone": "Berlin"},
        "timezone: 'Berlin': not a time zone of the IANA database; set a name such as Europe/Berlin or UTC",
    ),
    (
        CronTrigger,
        {**CRON, "start": "30 7 * *"},
        f"start: '30 7 * *': {FIVE_FIELDS}",
    ),
    (
        CronTrigger,
        {**CRON, "end": "at six"},
        f"end: 'at six': {FIVE_FIELDS}",
    ),
    (CronTrigger, {**CRON, "replicas": 0}, f"replicas: 0: {AT_LEAST_1}"),
    (Trigger, {}, "a trigger has exactly one kind, but none is set; set one of redis, prometheus, cron and cpu"),
    (
        Trigger,
        {"redis": REDIS, "cpu": {"utilization": 70}},
        "a trigger has exactly one kind, but redis and cpu is set; set one of redis, prometheus, cron and cpu",
    ),
    (Trigger, {"rediss": REDIS}, "rediss: unknown key; did you mean 'redis'?"),
    (Trigger, {"kafka": {}}, "kafka: unknown key; known keys: redis, prometheus, cron, cpu"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
