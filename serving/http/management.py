"""The management port: metrics and health for operators. No Service exposes it, so clients cannot reach it.

Its requests are not traffic: they are neither counted nor logged, and they do not delay a drain.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from serving.errors import HANDLERS
from serving.http.connections import MEBIBYTE, Connections, Limits
from serving.http.health import Health
from serving.http.uvicorn_config import configuration
from serving.role.service import Service

# Enough for two Prometheus servers and a few people. The port accepts no uploads.
LIMITS = Limits(connections=64, per_client=32, uploads=MEBIBYTE, linger_bytes=MEBIBYTE)
# Seconds that a scrape in progress may take once the main server has stopped.
LAST_SCRAPE_SECONDS = 0.2


@dataclass(frozen=True)
class Metrics:
    """The endpoint for Prometheus."""

    service: Service[Any]

    def routes(self) -> list[Route]:
        """Return the routes to add to an application."""
        return [Route("/metrics", self.metrics)]

    async def metrics(self, _: Request) -> Response:
        """Return all metrics in the Prometheus text format."""
        telemetry = self.service.telemetry
        return Response(await telemetry.exposition(), headers={"content-type": telemetry.content_type})


def management_app(service: Service[Any]) -> ASGIApp:
    """Return the application of the management port, with metrics and health."""
    app = Starlette(routes=[*Metrics(service).routes(), *Health(service).routes()], exception_handlers=HANDLERS)
    app.router.redirect_slashes = False
    return app


class ManagementServer(uvicorn.Server):
    """The server of the management port. The main server starts it first and stops it last."""

    def __init__(self, service: Service[Any], port: int) -> None:
        connections = Connections(LIMITS, service.telemetry.refused)
        super().__init__(configuration(management_app(service), connections, port=port, lifespan="off"))
        # uvicorn declares whole seconds but accepts any number.
        self.config.timeout_graceful_shutdown = cast("int", LAST_SCRAPE_SECONDS)

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Serve while the block runs. uvicorn's `serve` would also handle signals, which the main server does."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup()
        loop = asyncio.create_task(self.main_loop(), name="management")
        try:
            yield
        finally:
            self.should_exit = True
            await loop
            await self.shutdown()
