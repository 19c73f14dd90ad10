"""The application: a role's routes and the common routes, with the role loading in the background."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from starlette.applications import Starlette
from starlette.types import ASGIApp

from serving.errors import HANDLERS
from serving.http.health import Health
from serving.http.management import Metrics
from serving.http.observe import Observed
from serving.http.pod_metrics import PodMetrics
from serving.http.v2 import OpenInference
from serving.role.loading import background_thread
from serving.role.role import Role
from serving.role.warmup import warm_up
from serving.telemetry.logs import rehearsal_log

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
# An unreachable collector must not delay the end of the process.
SPANS_SECONDS = 2.0
LEAST_SPANS_SECONDS = 0.3

M = TypeVar("M")

log = logging.getLogger("slipway.server")


def make_app(role: Role[M], *, metrics: bool = True) -> ASGIApp:
    """Return the application of the main port. It accepts requests at once, and is ready once the role is warmed up.

    Args:
        role: The role.
        metrics: Whether the main port serves /metrics; False if a management port does.
    """
    payload, service = role.payload, role.service

    async def warm(model: M) -> None:
        # Observed separately: warm-up requests are not traffic, and are neither logged nor counted as traffic.
        observed = Observed(inner, role.separate_service(), rehearsal_log(service.identity))
        await warm_up(observed, payload.warm_up(model), at_once=min(service.admission.workers, role.threads.workers))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        task = asyncio.create_task(role.run(warm), name="role")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await role.close()
            await last_spans()

    routes = [*payload.routes(service), *OpenInference(service, payload).routes(), *Health(service).routes()]
    routes += Metrics(service).routes() if metrics else []
    if payload.pod_metrics and not metrics:
        routes += PodMetrics(service).routes()
    inner = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=lifespan)
    inner.router.redirect_slashes = False  # a redirect repeats the path and Host header, and few clients repeat a POST
    app, last_spans = _traced(Observed(inner, service), role)
    return app


def _traced(app: ASGIApp, role: Role[M]) -> tuple[ASGIApp, Callable[[], Awaitable[None]]]:
    """Return the application, traced if an endpoint is configured, and the function that sends the last spans."""
    endpoint = role.environment.get(ENDPOINT_VARIABLE)
    if not endpoint:
        return app, _nothing
    from serving.http.spans import Traced  # noqa: PLC0415 - without an endpoint the SDK is not imported

    traced = Traced(app, role.service.identity, endpoint)

    async def last_spans() -> None:
        closing = asyncio.get_running_loop().run_in_executor(background_thread("spans"), traced.close)
        try:
            left = max(LEAST_SPANS_SECONDS, role.service.lifecycle.drain_left())
            await asyncio.wait_for(closing, min(SPANS_SECONDS, left))
        except TimeoutError:
            log.warning("the last spans were not sent: %s did not accept them in time", endpoint)

    return traced, last_spans


async def _nothing() -> None:
    pass
