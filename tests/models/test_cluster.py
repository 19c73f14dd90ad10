"""The cluster that a stack deploys to."""

from models.cluster import ClusterSettings
from tests.models.tables import (
    ADDRESS,
    AT_LEAST_1,
    LIST,
    OBJECT,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import Config


def cluster(**changes: object) -> Config:
    return {"context": "prod", **changes}


ACCEPTED: Accepted = [
    (ClusterSettings, cluster()),
    (
        ClusterSettings,
        cluster(metrics="direct", proxyPods={"namespace": "edge", "labels": {"app": "proxy"}, "port": 1}),
    ),
    (ClusterSettings, cluster(metrics="direct", proxyMetricsUrl="http://127.0.0.1:8082/metrics")),
    (ClusterSettings, cluster(podSecurityVersion="latest", monitoring=False)),
    (ClusterSettings, cluster(podSecurityVersion="v1.0")),
    (ClusterSettings, cluster(podSecurityVersion="v1.29", ingressClass="nginx.internal")),
    (ClusterSettings, cluster(traffic="gateway", gateway={"name": "public", "namespace": "edge"})),
    (ClusterSettings, cluster(traffic="gateway", gateway={"name": "p", "namespace": "edge", "listener": "web"})),
    (ClusterSettings, cluster(ingressUrl="http://127.0.0.1:8080", prometheusUrl="http://prometheus:9090")),
    (ClusterSettings, cluster(pullSecrets=["mirror", "vendor.example.com"], runbookUrl="https://runbooks.example.com")),
]
REFUSED: Refused = [
    (
        ClusterSettings,
        cluster(proxyPods={"labels": {}}),
        "proxyPods.labels: must not be empty; add at least one",
    ),
    (
        ClusterSettings,
        cluster(proxyPods={"port": "metrics"}),
        "proxyPods.port: 'metrics': must be a whole number",
    ),
    (ClusterSettings, cluster(proxyMetricsUrl="127.0.0.1:8082"), f"proxyMetricsUrl: '127.0.0.1:8082': {ADDRESS}"),
    (ClusterSettings, cluster(metrics="thanos"), "metrics: 'thanos': must be 'prometheus' or 'direct'"),
    (ClusterSettings, {}, f"context: {REQUIRED}"),
    (ClusterSettings, {"context": ""}, "context: '': must not be empty"),
    (
        ClusterSettings,
        cluster(traffic="gateway"),
        "traffic is gateway, which requires a Gateway; set gateway.name and gateway.namespace",
    ),
    (
        ClusterSettings,
        cluster(gateway={"name": "public", "namespace": "edge"}),
        "traffic is nginx, which uses no Gateway; remove gateway, or set traffic: gateway",
    ),
    (
        ClusterSettings,
        cluster(traffic="gateway", gateway={"name": "p", "namespace": "edge"}, proxyMetrics="ingress-nginx"),
        (
            "proxyMetrics is ingress-nginx, which serves no HTTPRoutes, but traffic is gateway; set proxyMetrics: "
            "traefik, or remove it"
        ),
    ),
    (ClusterSettings, cluster(traffic="gateway", gateway={"name": "p"}), f"gateway.namespace: {REQUIRED}"),
    (ClusterSettings, cluster(traffic="istio"), "traffic: 'istio': must be 'nginx' or 'gateway'"),
    (ClusterSettings, cluster(monitoring="yes"), "monitoring: 'yes': must be true or false"),
    *(
        (
            ClusterSettings,
            cluster(podSecurityVersion=version),
            f"podSecurityVersion: {version!r}: must match the pattern ^(latest|v1\\.(0|[1-9][0-9]{{0,3}}))$",
        )
        for version in ("1.29", "v1.036", "v1.\u0661", "v1.99999")
    ),
    (ClusterSettings, cluster(queriesPerSecond=0), f"queriesPerSecond: 0: {AT_LEAST_1}"),
    (ClusterSettings, cluster(ingressUrl="127.0.0.1:8080"), f"ingressUrl: '127.0.0.1:8080': {ADDRESS}"),
    (ClusterSettings, cluster(prometheusUrl="prometheus:9090"), f"prometheusUrl: 'prometheus:9090': {ADDRESS}"),
    (ClusterSettings, cluster(runbookUrl="runbooks"), f"runbookUrl: 'runbooks': {ADDRESS}"),
    (ClusterSettings, cluster(ingressClass="Nginx"), f"ingressClass: 'Nginx': {OBJECT}"),
    (ClusterSettings, cluster(pullSecrets="mirror"), f"pullSecrets: [secret]: {LIST}"),
    (
        ClusterSettings,
        cluster(pullSecrets=["mirror", "mirror"]),
        "pullSecrets names a Secret twice, which the API server refuses; remove one",
    ),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
