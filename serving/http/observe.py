"""The outermost layer: who answered, how long it took, and one line about it.

It wraps the whole application, so that refusals, unknown paths and errors of ours are marked and counted too.
"""

import logging
import time
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import REASON
from serving.role.service import Service
from serving.telemetry.logs import with_fields
from serving.telemetry.tracing import TRACE

log = logging.getLogger("slipway.access")

UNMATCHED = "unmatched"
# Asked every few seconds by the kubelet and by Prometheus; they are no traffic.
PROBES = frozenset(
    {"/health", "/healthz", "/metrics", "/v2/health/live", "/v2/health/ready", "/v2/models/{model}/ready"}
)
_SERVER_ERROR = 500


class Observed:
    """An ASGI application with headers, metrics and access log around it.

    For a rehearsal, lines go to another log, and who asks wants the errors themselves.
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
                # Before the last bytes leave: who has an answer and then looks at the metrics finds it counted.
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
            # The client has its answer. Raised further, the server would close the connection under the next request.
            log.exception("request failed")
        finally:
            if not probe:
                service.lifecycle.answered()
            service.telemetry.in_flight.dec()
            if not complete:
                self._record(scope, status, time.perf_counter() - began)

    def _files(self) -> list[tuple[bytes, bytes]]:
        """Which mounted files the answer was made with, where there are any: they may change under a running pod."""
        files = self._service.lifecycle.files
        return [(b"x-slipway-files", files.hash.encode())] if files.contents else []

    def _farewell(self) -> list[tuple[bytes, bytes]]:
        """While draining every answer ends its connection: a proxy that kept it would send into a closing socket."""
        return [(b"connection", b"close")] if self._service.lifecycle.draining else []

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = template(scope)
        self._service.telemetry.answered(method=scope["method"], route=route, status=status, seconds=seconds)
        level = logging.DEBUG if route in PROBES else logging.ERROR if status == _SERVER_ERROR else logging.INFO
        if not self._log.isEnabledFor(level):
            return
        fields: dict[str, object] = {
            "method": scope["method"],
            "path": scope["path"],
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
    """Whether a path, not yet matched with a template, is one of the probes."""
    return path in PROBES or (path.startswith("/v2/models/") and path.endswith("/ready"))


def template(scope: Scope) -> str:
    """The route's template: the path itself is the client's, and as a label it would grow without limit."""
    return str(getattr(cast("Any", scope.get("route")), "path", UNMATCHED))
