"""GET /metrics at the main port, for the published clients of a role whose metrics are served at a management port.

The published server of nlu answers `curl http://POD:7860/metrics` with requests by method, endpoint and status, latency
by endpoint, and the load time of the model. This endpoint returns the same metrics with the same labels. A client that
comes through a proxy or a Service gets 404, because clients must not see how much a service is used.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.role.service import Service
from serving.telemetry.exposition import Exposition
from serving.telemetry.metrics import Telemetry

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host")
"""Headers that proxies add."""


class ByEndpoint(Collector):
    """The request metrics of a server, with the label `endpoint` instead of `route`."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def collect(self) -> Iterator[Metric]:
        """Yield the three metrics of the published server."""
        yield self._requests()
        yield self._latency()
        yield from self._telemetry.model_load_seconds.collect()

    def _requests(self) -> CounterMetricFamily:
        family = CounterMetricFamily("http_requests", "Answered requests.", labels=["method", "endpoint", "status"])
        for sample in _samples(self._telemetry.requests.collect(), "_total"):
            labels = sample.labels
            family.add_metric([labels["method"], labels["route"], labels["status"]], sample.value)
        return family

    def _latency(self) -> HistogramMetricFamily:
        """Return the histogram of each endpoint, summed over methods."""
        collected = list(self._telemetry.request_seconds.collect())
        buckets: dict[str, Counter[str]] = {}
        for sample in _samples(collected, "_bucket"):
            buckets.setdefault(sample.labels["route"], Counter())[sample.labels["le"]] += int(sample.value)
        seconds = dict.fromkeys(buckets, 0.0)
        for sample in _samples(collected, "_sum"):
            seconds[sample.labels["route"]] += sample.value
        family = HistogramMetricFamily("http_request_duration_seconds", "Seconds to answer.", labels=["endpoint"])
        for route, counts in buckets.items():
            family.add_metric([route], list(counts.items()), seconds[route])
        return family


class PodMetrics:
    """GET /metrics at the main port."""

    def __init__(self, service: Service[Any]) -> None:
        self._type = service.telemetry.content_type
        registry = CollectorRegistry()
        registry.register(ByEndpoint(service.telemetry))
        self._exposition = Exposition(registry)

    def routes(self) -> list[Route]:
        """Return the routes to add to the application of the main port."""
        return [Route("/metrics", self.metrics)]

    async def metrics(self, request: Request) -> Response:
        """Return the metrics to a client that addresses the pod itself, and 404 to all others."""
        if not names_the_pod(request):
            raise HTTPException(404)
        return Response(await self._exposition.text(), headers={"content-type": self._type})


def names_the_pod(request: Request) -> bool:
    """Return whether the Host header is the address of the pod, and no proxy has added a header."""
    server = request.scope.get("server")
    return server is not None and request.url.hostname == server[0] and not any(map(request.headers.get, FORWARDED))


def _samples(metrics: Iterable[Metric], suffix: str) -> Iterator[Sample]:
    return (sample for metric in metrics for sample in metric.samples if sample.name.endswith(suffix))
