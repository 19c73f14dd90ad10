"""GET /health for readiness and people, GET /metrics for Prometheus."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.role.service import Service


@dataclass(frozen=True)
class Health:
    """The endpoints that look at the process itself."""

    service: Service[Any]

    def routes(self) -> list[Route]:
        """Routes to compose into the application."""
        # /healthz is what generic Kubernetes manifests ask for.
        return [*(Route(path, self.health) for path in ("/health", "/healthz")), Route("/metrics", self.metrics)]

    async def health(self, _: Request) -> Response:
        """200 while requests are answered well; else 503 with the reason. Not for liveness: it is false in a drain."""
        lifecycle = self.service.lifecycle
        body: dict[str, object] = {
            "status": lifecycle.status,
            "model_loaded": lifecycle.has_model,
            "timestamp": datetime.now(tz=UTC).isoformat(timespec="milliseconds"),
        }
        if lifecycle.reason:
            body["reason"] = lifecycle.reason
        return JSONResponse(body, 200 if lifecycle.ready else 503)

    async def metrics(self, _: Request) -> Response:
        """All metrics in Prometheus' text format."""
        telemetry = self.service.telemetry
        return Response(telemetry.exposition(), headers={"content-type": telemetry.content_type})
