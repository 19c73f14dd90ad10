"""Who counts and times the requests of a service: its proxy, its own server, or neither."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from models.cluster import ClusterSettings
from models.gate import Gate
from models.profile import DURATION, MetricsProfile
from models.service import ServiceSpec

Counter = Literal["proxy", "server"]


def proxy_of(spec: ServiceSpec, cluster: ClusterSettings) -> Literal["traefik", "ingress-nginx"] | None:
    """Return the proxy that counts a service's requests by their status; None = no proxy does.

    A failed gRPC call is HTTP 200 with a status in its trailer. ingress-nginx counts it as 200. Traefik counts gRPC
    statuses, and as 2 (unknown) also each good call of a server that does not announce its trailer, and each 502 of its
    own (``grpcStatusCode`` of its ``pkg/middlewares/metrics``).
    """
    return cluster.proxy_metrics if spec.route is not None and spec.app_protocol != "grpc" else None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The sources of a service's series in one stack."""

    profile: MetricsProfile
    proxied: bool
    """Whether a proxy whose series Prometheus has (``slipway:cluster.proxyMetrics``) leads to the service."""

    @classmethod
    def of(cls, spec: ServiceSpec, cluster: ClusterSettings) -> "Offer":
        """Return what a service offers in a stack."""
        return cls(profile=spec.profile, proxied=proxy_of(spec, cluster) is not None)

    @property
    def counts(self) -> Counter | None:
        """Who counts the requests for the gate: the proxy if possible, because it sees requests that no pod answers."""
        if self.proxied:
            return "proxy"
        return "server" if self.profile.requests else None

    @property
    def watched(self) -> Counter | None:
        """Who counts the requests for alerts and the dashboard: the server if it can, without the proxy's own time."""
        if self.profile.requests:
            return "server"
        return "proxy" if self.proxied else None

    def times(self, histogram: str) -> Counter | None:
        """Return who has a histogram: the server if the profile names it; the proxy has only ``duration``."""
        if histogram in self.profile.histograms:
            return "server"
        return "proxy" if histogram == DURATION and self.proxied else None

    def unjudged(self, gate: Gate) -> Iterator[str]:
        """Yield a line for each criterion of a gate for which neither the server nor the proxy has a series."""
        if gate.errors and self.counts is None:
            yield f"gate.errors: {self._unmeasured('counter of requests')}, or set gate.errors to null"
        if gate.latency and self.times(DURATION) is None:
            yield f"gate.latency: {self._unmeasured('histogram named duration')}, or remove gate.latency"

    def _unmeasured(self, lacking: str) -> str:
        own = "reads the proxy" if self.profile.source == "proxy" else f"has no {lacking}"
        return (
            f"the metrics profile {own}, and no proxy counts the requests; set slipway:cluster.proxyMetrics if the "
            f"service has a route, choose a metricsProfile with a {lacking}"
        )
