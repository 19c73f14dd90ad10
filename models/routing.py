"""How requests from outside the cluster find a service."""

from typing import Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.metadata import RouteAnnotations
from models.quantity import Quantity
from models.vocabulary import Count, HeaderName, Positive, PublicHost, PublicPath, Seconds, SubdomainName


class Tls(Model):
    """The certificate of the route's hosts."""

    secret: SubdomainName = Field(description="Secret of type kubernetes.io/tls")
    issuer: SubdomainName | None = Field(
        default=None, description="cert-manager ClusterIssuer that creates the Secret; none = the Secret exists"
    )


class RateLimit(Model):
    """Requests that one client address may make; more are answered 429 by the proxy."""

    per_second: Positive
    burst: Positive = Field(default=5, description="burst, as a multiple of perSecond")


class Session(Model):
    """Stickiness: a cookie keeps a client with the pod that answered it first."""

    cookie: HeaderName = Field(default="slipway", description="name of the proxy's cookie")
    max_age: Count = Field(default=0, description="lifetime of the cookie in seconds; 0 = until the browser is closed")


class Retries(Model):
    """When the proxy sends a request to a pod once more, whichever pod that is.

    A request that no pod has begun is repeated always: its connection was refused, or not taken in time. One that
    a pod had begun may have been carried out: it is repeated only where that does no harm.
    """

    tries: Positive | None = Field(
        default=None,
        le=20,
        description="attempts per request, including the first; 1 = no retry; none = computed "
        "from the minimum number of pods",
    )
    connect_timeout: Seconds = Field(
        default=1, ge=1, le=75, description="time for a pod to accept the connection; nginx allows at most 75 s"
    )
    idempotent: bool = Field(
        default=False,
        description="requests are safe to repeat: repeat one if its pod is lost, or does not answer within the route's "
        "timeout, or answers 502 or 504; never for inserts, uploads or jobs",
    )


class Route(Model):
    """One public host and path, shared by both slots, and hosts that a canary must never reach."""

    host: PublicHost = Field(examples=["classifier.example.com"])
    path: PublicPath = Field(default="/", examples=["/predict"])
    path_type: Literal["Prefix", "Exact"] = "Prefix"
    stable_hosts: tuple[PublicHost, ...] = Field(
        default=(), description="further hosts that always get the live slot, whatever the canary's weight"
    )
    tls: Tls | None = Field(default=None, description="none = plain HTTP, or TLS that ends before the proxy")
    rate_limit: RateLimit | None = None
    session: Session | None = None
    max_body: Quantity | None = Field(
        default=None, description="limit of the request body; none = the proxy's own limit"
    )
    annotations: RouteAnnotations = Field(
        default_factory=dict, description="annotations of the Ingress, for your proxy"
    )
    timeout: Seconds | None = Field(
        default=None, ge=1, description="time limit for a pod's answer in each attempt; none = the proxy's default"
    )
    retries: Retries | None = Field(
        default=None, description="none = repeat only requests that no pod has begun to answer"
    )

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        hosts = (self.host, *self.stable_hosts)
        if len(set(hosts)) != len(hosts):
            raise ValueError("host and stableHosts must all differ: a host is either split or stable")
        return self

    @model_validator(mode="after")
    def _can_repeat(self) -> Self:
        if self.retries is None or not self.retries.idempotent:
            return self
        if self.timeout is None:
            raise ValueError(
                "retries.idempotent requires route.timeout, which detects a pod that does not answer; set it"
            )
        if self.max_body is None:
            raise ValueError("retries.idempotent: the proxy keeps the body for the next try; set maxBody, its most")
        if self.retries.tries == 1:
            raise ValueError("retries: idempotent repeats requests and tries: 1 repeats none; drop one of them")
        return self
