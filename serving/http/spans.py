"""OpenTelemetry tracing: with OTEL_EXPORTER_OTLP_ENDPOINT set, each request becomes one span, sent over OTLP/HTTP.

This module is imported only if the variable is set; without an endpoint the process does not load the SDK at all. The
standard OTEL_* variables configure sampling and headers.
"""

from collections.abc import MutableMapping
from typing import cast

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import shown
from serving.http.observe import MOST_PATH, UNMATCHED, is_probe, template
from serving.identity import Identity
from serving.telemetry.tracing import TRACE, set_injector

_SERVER_ERROR = 500
_W3C = TraceContextTextMapPropagator()


class Traced:
    """An ASGI application that records a span for each request except probes."""

    def __init__(self, app: ASGIApp, identity: Identity, endpoint: str) -> None:
        self._app = app
        names = {"service.name": identity.service, "service.version": identity.version, "slipway.slot": identity.slot}
        self._provider = TracerProvider(resource=Resource.create({**names, "slipway.config": identity.config}))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("slipway.serving")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or is_probe(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        span = self._tracer.start_span(scope["method"], context=_W3C.extract(headers), kind=SpanKind.SERVER)
        inside = set_span_in_context(span)

        def inject(outgoing: MutableMapping[str, str]) -> None:
            _W3C.inject(outgoing, context=inside)

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                span.set_attribute("http.response.status_code", message["status"])
                if message["status"] >= _SERVER_ERROR:
                    span.set_status(Status(StatusCode.ERROR))
            await send(message)

        set_injector(inject)
        scope[TRACE] = f"{span.get_span_context().trace_id:032x}"
        try:
            await self._app(scope, receive, seen)
        except Exception as error:
            span.record_exception(error)
            span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            _describe(span, scope)
            span.end()

    def close(self) -> None:
        """Send the remaining spans; blocks until the collector has accepted them."""
        self._provider.shutdown()


def _describe(span: Span, scope: Scope) -> None:
    """Set the attributes of OpenTelemetry's HTTP conventions; the route is known only after routing."""
    route = template(scope)
    if route != UNMATCHED:
        span.update_name(f"{scope['method']} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.request.method", cast("str", scope["method"]))
    span.set_attribute("url.path", shown(scope["path"], MOST_PATH))
