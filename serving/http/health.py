"""GET /health for readiness probes and people."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.role.service import Service


@dataclass(frozen=True)
class Health:
    """The endpoint that tells whether the process can answer requests."""

    service: Service[Any]

    def routes(self) -> list[Route]:
        """Return the routes to add to the application."""
        # Generic Kubernetes manifests request /healthz.
        return [Route(path, self.health) for path in ("/health", "/healthz")]

    async def health(self, _: Request) -> Response:
        """Return 200 while ready, else 503 with the reason. Not a liveness probe: it returns 503 during a drain."""
        lifecycle = self.service.lifecycle
        body: dict[str, object] = {
            "status": lifecycle.status,
            "model_loaded": lifecycle.has_model,
            "timestamp": datetime.now(tz=UTC).isoformat(timespec="milliseconds"),
        }
        if lifecycle.reason:
            body["reason"] = lifecycle.reason
        return JSONResponse(body, 200 if lifecycle.ready else 503)
