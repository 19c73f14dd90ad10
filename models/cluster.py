"""The cluster that a stack deploys to, by name and never by whatever context happens to be current."""

from typing import Literal

from pydantic import Field

from models.base import Model
from models.vocabulary import Name, Positive, Text


class ClusterSettings(Model):
    """``slipway:cluster``."""

    context: Text = Field(description="kube context; a missing one is an error, not a guess", examples=["prod-eu"])
    traffic: Literal["nginx"] = Field(default="nginx", description="what splits requests: nginx canary annotations")
    ingress_class: Name = "nginx"
    ingress_namespace: Name = Field(default="ingress-nginx", description="where the ingress controller's pods run")
    ingress_url: Text | None = Field(default=None, description="where the proxy answers; none = http://<host>")
    monitoring: bool = Field(default=True, strict=True, description="off for a cluster without the ServiceMonitor CRD")
    monitoring_namespace: Name = Field(default="monitoring", description="where Prometheus' pods run")
    pod_security_version: Text = Field(
        default="v1.36", pattern=r"^(latest|v1\.\d+)$", description="version of the restricted Pod Security Standard"
    )
    queries_per_second: Positive = Field(
        default=400, description="client limit towards the API server; the plugin's own 50 makes previews wait"
    )
