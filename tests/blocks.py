"""Single blocks of a service, a store or a Job at random, each of which keeps its rules."""

from typing import Any

from hypothesis import strategies as st

from models.entry_rules import RESERVED_ENDINGS
from tests.samples import Config

AMOUNTS = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1.5", "memory": "1Gi"}}
STORE_NAME = 52
VOLUME_NAME = 56


def names(longest: int = 63) -> st.SearchStrategy[str]:
    """Names of services, stores and the like: mostly short ones, and the longest that there may be."""
    free = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
    stretched = st.tuples(free, st.integers(longest - 2, longest)).map(lambda given: given[0].ljust(given[1], "x"))
    return st.one_of(free, free, free, stretched).filter(lambda name: not name.endswith(RESERVED_ENDINGS))


def maybe(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[Config]:
    """Any of these keys, or none of them."""
    return st.fixed_dictionaries({}, optional=choices)


def durations(least: int, most: int) -> st.SearchStrategy[str]:
    """Whole seconds with their unit."""
    return st.integers(least, most).map(lambda seconds: f"{seconds}s")


PROSE = st.text(st.characters(exclude_categories=["Cc", "Cn", "Cs"]), max_size=20)
"""Free text, without what YAML itself cannot hold."""
KEYS = st.sampled_from(["disk", "topology.kubernetes.io/zone", f"example.com/{'k' * 63}", "A_b.c"])
VALUES = st.sampled_from(["", "ssd", "A-b_c.d", "v" * 63, "7"])
LABELS = st.dictionaries(KEYS, VALUES, max_size=2)
VARIABLES = st.dictionaries(st.sampled_from(["A", "_b", "LEVEL", "OMP_NUM_THREADS"]), PROSE, max_size=2)
QUANTITIES = st.sampled_from(["1", "64Mi", "1e6", "0.5Gi", "3M"])
SCHEDULING = maybe(
    nodeSelector=LABELS,
    nodeAffinity=maybe(
        required=st.dictionaries(KEYS, st.lists(VALUES, min_size=1, max_size=2), max_size=2),
        preferred=st.dictionaries(KEYS, st.lists(VALUES, min_size=1, max_size=2), max_size=2),
    ),
    tolerations=st.lists(
        st.fixed_dictionaries(
            {"key": KEYS},
            optional={"value": VALUES, "effect": st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])},
        ),
        max_size=2,
    ),
    priorityClass=st.sampled_from(["inference", "high.example.com"]),
    apart=st.sampled_from(["preferred", "required"]),
    spread=st.sampled_from([[], ["node"], ["zone", "node"]]),
    runtimeClass=st.just("nvidia"),
)
PACE = st.fixed_dictionaries(
    {"stabilization": durations(0, 3600)},
    optional={"pods": st.integers(1, 99), "percent": st.integers(1, 999), "period": durations(1, 1800)},
)
CPU = st.integers(1, 100).map(lambda percent: {"utilization": percent})
SIGNALS = st.tuples(
    CPU,
    maybe(
        memory=CPU,
        pods=st.just({"http_requests_total": {"average": 20}}),
        external=st.just(
            {"depth": {"average": "500m", "labels": {"queue": "a"}}, "x:y": {"average": 1, "query": "up"}}
        ),
    ),
).map(lambda given: {"cpu": given[0], **given[1]})
RESOURCES = st.sampled_from([AMOUNTS, {**AMOUNTS, "devices": {"nvidia.com/gpu": 1, "example.com/fpga_a10": 2}}])
HEALTH = maybe(
    ready=st.sampled_from(["/health", "/v2/health/ready"]),
    startup=durations(20, 120),
    period=durations(1, 20),
    timeout=durations(1, 99),
    failures=st.integers(1, 9),
    liveness=st.just({"period": "30s", "timeout": "5s"}),
)
DRAIN = st.sampled_from(
    [
        {},
        {"preStop": "0s", "drain": "30s", "grace": "30s"},
        {"drain": "10m", "grace": "11m"},
        {"requestTimeout": "90s"},
        {"requestTimeout": "1h", "preStop": "10s"},
    ]
)
MONITORING = maybe(
    labels=LABELS,
    interval=durations(1, 75),
    slo=st.sampled_from([{"availability": 99.9}, {"latency": {"percent": "99.5", "within": "300ms"}}]),
    meanLatency=st.just({"above": "500ms", "for": "1m"}),
)
EXPOSURES = st.sampled_from(
    [
        {},
        {"port": 8080, "namespaces": ["elsewhere"]},
        {"type": "NodePort", "externalTrafficPolicy": "Local", "direct": True},
        {
            "type": "LoadBalancer",
            "direct": True,
            "sourceRanges": ["192.0.2.0/24"],
            "annotations": {"example.com/scheme": "internal"},
        },
        {"type": "LoadBalancer", "direct": True, "loadBalancerClass": "example.com/balancer"},
    ]
)
ACCOUNTS = maybe(
    annotations=st.just({"example.com/role": "reader"}),
    permissions=st.just([{"resources": ["configmaps"], "verbs": ["get", "list"]}]),
)
FILES = st.fixed_dictionaries(
    {"files": st.dictionaries(st.sampled_from(["a", ".b", "c.json"]), PROSE, min_size=1)},
    optional={
        "path": st.sampled_from(["/etc/model", "/app/config"]),
        "onChange": st.sampled_from(["rollout", "reload"]),
    },
)
