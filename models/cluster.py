"""The cluster that a stack deploys to. The stack names its kube context and never uses the current one."""

from typing import Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.external import ANYWHERE, Url
from models.vocabulary import Cidr, HttpPath, LabelKey, LabelValue, Name, Port, Positive, SubdomainName, Text


class GatewaySettings(Model):
    """The existing Gateway (gateway.networking.k8s.io) that routes attach to. Its TLS and limits are its own."""

    name: SubdomainName = Field(description="name of the Gateway", examples=["public"])
    namespace: Name = Field(
        description="namespace of the Gateway; its listener must admit routes of the stack's namespace"
    )
    listener: SubdomainName | None = Field(default=None, description="listener of the Gateway; none = all matching")


class Dashboards(Model):
    """How Grafana finds the system's dashboard, which is a ConfigMap."""

    labels: dict[LabelKey, LabelValue] = Field(
        default={"grafana_dashboard": "1"},
        description="labels that Grafana's sidecar selects; the default is that of the kube-prometheus-stack chart",
    )


class ProxyPods(Model):
    """The pods in which `slipway` reads the counters of ``proxyMetrics`` itself, with ``metrics: direct``."""

    namespace: Name | None = Field(default=None, description="namespace of the proxy's pods; none = ingressNamespace")
    labels: dict[LabelKey, LabelValue] | None = Field(
        default=None, min_length=1, description="labels of the proxy's pods; none = those of its Helm chart"
    )
    port: Port | None = Field(
        default=None, description="port of the proxy's metrics; none = 9100 of Traefik, 10254 of ingress-nginx"
    )
    path: HttpPath = Field(default="/metrics", description="path of the proxy's metrics")


class ClusterSettings(Model):
    """``slipway:cluster``."""

    context: Text = Field(description="kube context; the current one is never used instead", examples=["prod-eu"])
    uid: Text | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        description="uid of the cluster's kube-system namespace; an update that reaches a different cluster than the "
        "last one is refused unless this field names it; none = the cluster of the first update",
        examples=["0c7a3f52-4f0e-4b1c-9d7a-6f1f2b9f8a11"],
    )
    traffic: Literal["nginx", "gateway"] = Field(
        default="nginx", description="what splits requests: nginx canary annotations, or HTTPRoutes of the Gateway API"
    )
    gateway: GatewaySettings | None = Field(default=None, description="required with traffic: gateway, else forbidden")
    ingress_class: SubdomainName = Field(default="nginx", description="IngressClass of the Ingresses")
    ingress_namespace: Name = Field(default="ingress-nginx", description="namespace of the proxy's pods")
    ingress_url: Url | None = Field(default=None, description="URL of the proxy; none = http://<host>")
    monitoring: bool = Field(
        default=True, strict=True, description="set false for a cluster without the ServiceMonitor CRD"
    )
    keda_namespace: Name = Field(
        default="keda", description="namespace of KEDA, which connects to the Redis stores of triggers"
    )
    api_server_networks: tuple[Cidr, ...] = Field(
        default=ANYWHERE, min_length=1, description="addresses of the API server, for pods with permissions"
    )
    lock_namespace: Name = Field(
        default="default", description="namespace of the Lease that locks the stack; it must exist"
    )
    monitoring_namespace: Name = Field(default="monitoring", description="namespace of Prometheus' pods")
    prometheus_url: Url | None = Field(
        default=None,
        description="URL at which KEDA reaches Prometheus; only for triggers of kind prometheus",
        examples=["http://prometheus:9090"],
    )
    metrics_url: Url | None = Field(
        default=None, description="URL at which `slipway` reaches Prometheus; none = prometheusUrl"
    )
    metrics: Literal["prometheus", "direct"] = Field(
        default="prometheus",
        description="what the gate of a release reads: Prometheus at metricsUrl, or, directly through the API server, "
        "the service's pods and the proxy's, once per second while a release runs",
    )
    proxy_pods: ProxyPods = Field(default=ProxyPods(), description="where metrics: direct finds the proxy's counters")
    proxy_metrics_url: Url | None = Field(
        default=None,
        description="URL at which `slipway` reads the counters of a proxy that is no pod, with metrics: direct; none = "
        "those of proxyPods",
        examples=["http://127.0.0.1:8082/metrics"],
    )
    proxy_metrics: Literal["traefik", "ingress-nginx"] | None = Field(
        default=None,
        description="proxy whose request counters the gate reads; none = the servers' own "
        "counters, which miss lost requests; ingress-nginx only with traffic: nginx",
    )
    dashboards: Dashboards | None = Field(default=Dashboards(), description="null = no dashboard")
    runbook_url: Url | None = Field(default=None, description="page with an anchor for each alert name")
    pull_secrets: tuple[SubdomainName, ...] = Field(
        default=(), description="existing Secrets in the namespace for pulling images"
    )
    pod_security_version: Text = Field(
        default="v1.36",
        pattern=r"^(latest|v1\.(0|[1-9][0-9]{0,3}))$",
        description="version of the restricted Pod Security Standard",
    )
    queries_per_second: Positive = Field(
        default=400,
        description="client-side rate limit of API server requests; the plugin's default of 50 slows previews",
    )

    @property
    def prometheus(self) -> str:
        """The URL at which `slipway` reaches Prometheus; empty if there is none."""
        url = self.metrics_url or self.prometheus_url
        return str(url) if url else ""

    @property
    def direct(self) -> bool:
        """Whether the gate reads pods and proxy itself."""
        return self.metrics == "direct"

    @model_validator(mode="after")
    def _gateway_where_it_splits(self) -> Self:
        if self.traffic == "gateway" and self.gateway is None:
            raise ValueError("traffic is gateway, which requires a Gateway; set gateway.name and gateway.namespace")
        if self.traffic != "gateway" and self.gateway is not None:
            raise ValueError(
                f"traffic is {self.traffic}, which uses no Gateway; remove gateway, or set traffic: gateway"
            )
        return self

    @model_validator(mode="after")
    def _proxy_that_splits(self) -> Self:
        if self.traffic == "gateway" and self.proxy_metrics == "ingress-nginx":
            raise ValueError(
                "proxyMetrics is ingress-nginx, which serves no HTTPRoutes, but traffic is gateway; set proxyMetrics: "
                "traefik, or remove it"
            )
        return self

    @model_validator(mode="after")
    def _each_pull_secret_once(self) -> Self:
        if len(set(self.pull_secrets)) != len(self.pull_secrets):
            raise ValueError("pullSecrets names a Secret twice, which the API server refuses; remove one")
        return self
