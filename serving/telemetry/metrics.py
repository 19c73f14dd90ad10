"""Metrics of one process. Labels take values from fixed sets only, so that clients cannot create new time series."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from serving.identity import Identity
from serving.telemetry.exposition import Exposition

# Seconds. Releases and alerts use the limits 0.3 and 0.5, and a quantile next to a bucket's edge is exact.
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.23, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
# Seconds. One inference of a small model takes well under a millisecond.
INFERENCE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Telemetry:
    """All metrics of the server, in their own registry so that several servers can run in one test process."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, identity: Identity) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._exposition = Exposition(self.registry)
        self._add_requests()
        self._add_inference()
        self._add_role()
        build = Gauge(
            "slipway_build_info",
            "Always 1; the labels say what runs.",
            ["service", "slot", "version", "config"],
            registry=self.registry,
        )
        build.labels(identity.service, identity.slot, identity.version, identity.config).set(1)

    def _add_requests(self) -> None:
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.requests = Counter(
            "http_requests", "Answered requests.", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds from the request's head to the end of its answer.",
            ["method", "route"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.refused_early = Counter(
            "http_requests_refused",
            "Requests refused by a limit of the connection, before admission; not in http_requests.",
            ["status"],
            registry=self.registry,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests being answered now.", registry=self.registry)

    def _add_inference(self) -> None:
        self.inference_seconds = Histogram(
            "inference_duration_seconds",
            "Seconds that the model took for one request.",
            buckets=INFERENCE_BUCKETS,
            registry=self.registry,
        )
        self.batch_size = Histogram(
            "inference_batch_size", "Requests computed together.", buckets=BATCH_BUCKETS, registry=self.registry
        )
        self.queue_depth = Gauge(
            "inference_queue_depth", "Admitted requests that no worker thread has begun.", registry=self.registry
        )
        self.queue_seconds = Histogram(
            "inference_queue_wait_seconds",
            "Seconds that a read request waited for a worker thread.",
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )

    def _add_role(self) -> None:
        self.model_load_seconds = Gauge(
            "model_load_duration_seconds", "Seconds that loading and warming the model took.", registry=self.registry
        )
        self.model_loaded = Gauge("model_loaded", "1 once the model is loaded and warmed.", registry=self.registry)
        self.model_load_failures = Counter(
            "model_load_failures", "Attempts to load the model that failed.", registry=self.registry
        )
        self.dependencies_reachable = Gauge(
            "dependencies_reachable", "0 while a dependency of the role is unreachable.", registry=self.registry
        )
        self.dependencies_reachable.set(1)
        self.config_reloads = Counter(
            "config_reloads",
            "Changes of the mounted files, by outcome: taken or failed.",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("taken", "failed"):
            self.config_reloads.labels(outcome)

    def answered(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one response. `route` is the template (`/v2/models/{model}`), never the path."""
        children = self._children.get((method, route, status))
        if children is None:
            method = method if method in METHODS else "other"
            children = self.requests.labels(method, route, str(status)), self.request_seconds.labels(method, route)
            self._children[method, route, status] = children
        counter, histogram = children
        counter.inc()
        histogram.observe(seconds)

    def refused(self, status: int) -> None:
        """Count one request that was refused before admission."""
        self.refused_early.labels(str(status)).inc()

    async def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return await self._exposition.text()
