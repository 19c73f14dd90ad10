"""How clients outside the namespace reach the live Service without the Ingress."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.metadata import Annotations
from models.vocabulary import Cidr, LabelKey, Name, Port

NodePort = Annotated[int, Field(strict=True, ge=30000, le=32767)]
"""Kubernetes' default range."""


class Exposure(Model):
    """Type and cloud annotations of the live Service. The slots' private Services are never exposed."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        default="ClusterIP", description="type of the live Service; ClusterIP = reachable inside the cluster only"
    )
    port: Port = Field(default=80, description="the Service's port, which callers use")
    annotations: Annotations = Field(
        default_factory=dict, description="for example, load balancer settings of the cloud"
    )
    external_traffic_policy: Literal["Cluster", "Local"] | None = Field(
        default=None, description="Local keeps the client's address and answers only on nodes with a pod"
    )
    namespaces: tuple[Name, ...] = Field(
        default=(), description="other namespaces of the cluster whose pods may call the service"
    )
    load_balancer_class: LabelKey | None = Field(default=None, description="none = the cluster's default")
    node_port: NodePort | None = Field(default=None, description="none = chosen by the API server")
    direct: bool = Field(
        default=False,
        strict=True,
        description="allow clients to reach the pods directly, past the route's rate limit and traffic split and the "
        "proxy's metrics; required if an exposed service has a route",
    )
    source_ranges: tuple[Cidr, ...] = Field(default=(), description="address ranges that may connect; none = all")

    @model_validator(mode="after")
    def _only_when_exposed(self) -> Self:
        if self.type == "ClusterIP" and self.external_traffic_policy:
            raise ValueError("externalTrafficPolicy requires type NodePort or LoadBalancer; set type, or remove it")
        if self.type == "ClusterIP" and self.direct:
            raise ValueError("direct requires type NodePort or LoadBalancer; set type, or remove it")
        if self.type == "ClusterIP" and self.node_port:
            raise ValueError("nodePort requires type NodePort or LoadBalancer; set type, or remove it")
        if self.type != "LoadBalancer" and (self.source_ranges or self.load_balancer_class):
            raise ValueError("sourceRanges and loadBalancerClass require type LoadBalancer; set type, or remove them")
        return self

    @property
    def public(self) -> bool:
        """Whether the Service is reachable from outside the cluster."""
        return self.type != "ClusterIP"
