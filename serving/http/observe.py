"""The outermost layer: adds identity headers, records metrics and writes one access log line per request.

It wraps the whole application, so that refusals, unknown paths and internal errors get headers and metrics too.
"""

import logging
import time
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import REASON, shown
from serving.role.service import Service
from serving.telemetry.logs import with_fields
from serving.telemetry.tracing import TRACE

log = logging.getLogger("slipway.access")

# Longest path in a log line. The reason in the same line may repeat another part of the request.
MOST_PATH = 100
UNMATCHED = "unmatched"
# Routes that the kubelet and Prometheus request every few seconds; they do not count as traffic.
PROBES = frozenset(
    {"/health", "/healthz", "/metrics", "/v2/health/live", "/v2/health/ready", "/v2/models/{model}/ready"}
)
_SERVER_ERROR = 500


class Observed:
    """An ASGI application with headers, metrics and an access log added.

    In a rehearsal, log lines go to a separate log and errors are always raised to the caller.
    """

    def __init__(self, app: ASGIApp, service: Service[Any], rehearsal: logging.Logger | None = None) -> None:
        self._app = app
        self._service = service
        self._rehearsal = rehearsal is not None
        self._log = rehearsal or log
        self._headers = service.identity.headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        service = self._service
        probe = is_probe(scope["path"])
        status = _SERVER_ERROR
        complete = False
        began = time.perf_counter()

        async def marked(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers, *self._files(), *self._farewell()]
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                complete = True
                # Record before the last bytes are sent: a client that has its response must find it counted in the
                # metrics.
                self._record(scope, status, time.perf_counter() - began)
            await send(message)

        service.telemetry.in_flight.inc()
        if not probe:
            service.lifecycle.arrived()
        try:
            await self._app(scope, receive, marked)
        except Exception:
            if not complete or self._rehearsal:
                raise
            # The client has its response. If the error were raised further, the server would close the connection under
            # the client's next request.
            log.exception("request failed")
        finally:
            if not probe:
                service.lifecycle.answered()
            service.telemetry.in_flight.dec()
            if not complete:
                self._record(scope, status, time.perf_counter() - began)

    def _files(self) -> list[tuple[bytes, bytes]]:
        """Return the header that names the mounted files in use, if any: they may change while the pod runs."""
        files = self._service.lifecycle.files
        return [(b"x-slipway-files", files.hash.encode())] if files.contents else []

    def _farewell(self) -> list[tuple[bytes, bytes]]:
        """Return the header that closes the connection during a drain, so that no proxy sends another request."""
        return [(b"connection", b"close")] if self._service.lifecycle.draining else []

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = template(scope)
        self._service.telemetry.answered(method=scope["method"], route=route, status=status, seconds=seconds)
        level = logging.DEBUG if route in PROBES else logging.ERROR if status == _SERVER_ERROR else logging.INFO
        if not self._log.isEnabledFor(level):
            return
        fields: dict[str, object] = {
            "method": scope["method"],
            "path": shown(scope["path"], MOST_PATH),
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 2),
        }
        if TRACE in scope:
            fields["trace"] = scope[TRACE]
        if REASON in scope:
            fields["reason"] = scope[REASON]
        self._log.log(level, "request", extra=with_fields(**fields))


def is_probe(path: str) -> bool:
    """Return whether a path that is not yet matched to a route is one of the probes."""
    return path in PROBES or (path.startswith("/v2/models/") and path.endswith("/ready"))


def template(scope: Scope) -> str:
    """Return the route's template: paths come from clients, and as a label they would grow without limit."""
    return str(getattr(cast("Any", scope.get("route")), "path", UNMATCHED))
