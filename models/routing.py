"""How requests from outside the cluster reach a service."""

from typing import Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.metadata import RouteAnnotations
from models.quantity import Bytes
from models.vocabulary import Count, HeaderName, Positive, PublicHost, PublicPath, Seconds, SubdomainName


class Tls(Model):
    """The certificate of the route's hosts."""

    secret: SubdomainName = Field(description="Secret of type kubernetes.io/tls")
    issuer: SubdomainName | None = Field(
        default=None, description="cert-manager ClusterIssuer that creates the Secret; none = the Secret exists"
    )


class RateLimit(Model):
    """The request rate allowed per client address. The proxy answers requests above it with 429."""

    per_second: Positive = Field(description="requests per second")
    burst: Positive = Field(default=5, description="burst, as a multiple of perSecond")


class Session(Model):
    """Session affinity: a cookie keeps a client on the pod that answered its first request."""

    cookie: HeaderName = Field(default="slipway", description="name of the proxy's cookie")
    max_age: Count = Field(default=0, description="lifetime of the cookie in seconds; 0 = until the browser is closed")


class Retries(Model):
    """When the proxy repeats a request, to the same pod or to another one.

    A request that no pod has begun is always repeated: its connection was refused, or not accepted in time. A pod may
    have completed a request that it has begun, so such a request is repeated only if ``idempotent`` is set.
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
        strict=True,
        description="requests are safe to repeat: the proxy repeats a request if its pod is lost, does not answer "
        "within the route's timeout, or answers 502 or 504; never set it for inserts, uploads or jobs",
    )


class Route(Model):
    """One public host and path that both slots share, and hosts whose requests never reach a canary."""

    host: PublicHost = Field(description="host whose requests the slots share", examples=["classifier.example.com"])
    path: PublicPath = Field(default="/", description="path whose requests reach the service", examples=["/predict"])
    path_type: Literal["Prefix", "Exact"] = Field(
        default="Prefix", description="Prefix = also everything below the path; Exact = only the path itself"
    )
    stable_hosts: tuple[PublicHost, ...] = Field(
        default=(), description="additional hosts that only the live slot answers, whatever the canary's weight"
    )
    tls: Tls | None = Field(default=None, description="none = plain HTTP, or TLS terminated before the proxy")
    rate_limit: RateLimit | None = Field(default=None, description="none = no limit")
    session: Session | None = Field(default=None, description="none = any pod answers each request")
    max_body: Bytes | None = Field(default=None, description="limit of the request body; none = the proxy's own limit")
    annotations: RouteAnnotations = Field(
        default_factory=dict, description="annotations of the Ingress, for your proxy"
    )
    timeout: Seconds | None = Field(
        default=None, ge=1, description="time limit for a pod's answer in each attempt; none = the proxy's default"
    )
    retries: Retries | None = Field(
        default=None, description="none = repeat only requests that no pod has begun to answer"
    )

    def leads_to(self, path: str) -> bool:
        """Return whether requests for a path reach the pods; a prefix consists of whole elements, as in an Ingress."""
        within = self.path_type == "Prefix" and path.startswith(f"{self.path.rstrip('/')}/")
        return within or path == self.path

    @model_validator(mode="after")
    def _hosts_differ(self) -> Self:
        hosts = (self.host, *self.stable_hosts)
        if len(set(hosts)) != len(hosts):
            raise ValueError(
                "host and stableHosts must all differ, because a host is either split or stable; remove the duplicate"
            )
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
            raise ValueError(
                "retries.idempotent requires maxBody, because the proxy keeps the body for the next try; set maxBody"
            )
        if self.retries.tries == 1:
            raise ValueError("retries.idempotent repeats requests, but tries: 1 repeats none; remove one of them")
        return self
