"""The application: routes of the roles, composed, with the model loading in the background."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.types import ASGIApp

from serving.admission import Admission
from serving.cpu import Threads
from serving.errors import HANDLERS
from serving.health import Health
from serving.identity import Identity
from serving.lifecycle import Lifecycle
from serving.loading import load_until_good
from serving.model import Model
from serving.observe import Observed
from serving.predict import Predict
from serving.service import Service
from serving.settings import Settings
from serving.telemetry import Telemetry
from serving.v2 import OpenInference
from serving.warmup import warm_up


def make_service(settings: Settings, identity: Identity, threads: Threads) -> Service:
    """Wire the parts of one server; nothing is started yet."""
    telemetry = Telemetry(identity)
    return Service(
        settings=settings,
        identity=identity,
        lifecycle=Lifecycle(),
        admission=Admission(workers=threads.workers, queue_limit=settings.queue_limit, telemetry=telemetry),
        telemetry=telemetry,
    )


def make_app(service: Service, load: Callable[[], Model]) -> ASGIApp:
    """The ASGI application. It answers at once; it is ready when `load` has given a model."""

    @asynccontextmanager
    async def loading(_: Starlette) -> AsyncGenerator[None]:
        # The warm-up asks behind the observing layer: it is no traffic, and is neither logged nor counted as such.
        task = asyncio.create_task(
            load_until_good(load, lambda: warm_up(inner), service.lifecycle, service.telemetry), name="loading"
        )
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    routes = [*Predict(service).routes(), *OpenInference(service).routes(), *Health(service).routes()]
    inner = Starlette(routes=routes, exception_handlers=HANDLERS, lifespan=loading)
    return Observed(inner, service)
