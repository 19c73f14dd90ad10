"""A role at runtime: loaded, warmed up, watched, reloaded when its files change, and closed."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from starlette.applications import Starlette
from starlette.types import ASGIApp

from serving.cpu import Threads
from serving.errors import HANDLERS
from serving.role.config_files import ConfigFiles, read
from serving.role.loading import background_thread, load_until_good, watch_dependencies
from serving.role.payload import Context, Payload
from serving.role.reloading import watch_files
from serving.role.service import Service, make_service
from serving.role.warmup import warm_up

FILES_VARIABLE = "SLIPWAY_CONFIG"
# Seconds allowed for closing outside a drain; in a drain, the remaining drain time applies.
CLOSE_SECONDS = 5.0

M = TypeVar("M")

log = logging.getLogger("slipway.role")


@dataclass(frozen=True, kw_only=True)
class Role(Generic[M]):
    """One payload in one process; `owns_process` means that nothing else runs there."""

    payload: Payload[M]
    service: Service[M]
    threads: Threads
    environment: Mapping[str, str]
    owns_process: bool = False
    _retiring: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def __post_init__(self) -> None:
        self.service.lifecycle.healthy = self.payload.healthy

    async def run(self, warm: Callable[[M], Awaitable[None]]) -> None:
        """Load and warm up until both succeed, then watch dependencies and files until this task is cancelled."""
        lifecycle, telemetry = self.service.lifecycle, self.service.telemetry
        loader = background_thread("loader")
        await load_until_good(partial(self._load_and_warm, loader, warm), lifecycle, telemetry)
        async with asyncio.TaskGroup() as watches:
            if self.payload.check is not None:
                watches.create_task(watch_dependencies(self.payload.check, lifecycle, telemetry))
            if (folder := self._folder()) is not None:
                watches.create_task(watch_files(folder, self._renew, lifecycle, telemetry))

    async def close(self) -> None:
        """Close the loaded model in the time that the drain leaves."""
        lifecycle = self.service.lifecycle
        if lifecycle.has_model:
            seconds = lifecycle.drain_left() if lifecycle.draining else CLOSE_SECONDS
            await self._close(lifecycle.serving_model(), seconds)

    def context(self, files: ConfigFiles) -> Context:
        """Return the context for the payload's `load` and `reload`."""
        return Context(
            settings=self.service.settings,
            identity=self.service.identity,
            threads=self.threads,
            telemetry=self.service.telemetry,
            environment=self.environment,
            files=files,
        )

    def _folder(self) -> Path | None:
        given = self.environment.get(FILES_VARIABLE)
        return Path(given) if given else None

    async def _load_and_warm(self, loader: Executor, warm: Callable[[M], Awaitable[None]]) -> None:
        """Load the model, check its dependencies and warm it up. A model that fails is closed."""
        loop = asyncio.get_running_loop()
        model, files = await loop.run_in_executor(loader, self._load)
        if self.payload.check is not None:
            try:
                await loop.run_in_executor(loader, self.payload.check, model)
            except Exception:
                await self._close(model, CLOSE_SECONDS)
                raise
        self.service.lifecycle.loaded(model, files)
        try:
            await warm(model)
        except Exception:
            self._retire(model)
            raise
        if self.owns_process:
            # Objects that exist now are permanent: freezing them keeps the collector from scanning them during
            # requests.
            gc.collect()
            gc.freeze()

    def _load(self) -> tuple[M, ConfigFiles]:
        folder = self._folder()
        files = read(folder) if folder else ConfigFiles()
        return self.payload.load(self.context(files)), files

    async def _renew(self, files: ConfigFiles) -> None:
        """Create a model with changed files, and let it serve once it answers. One that fails is closed."""
        lifecycle = self.service.lifecycle
        old = lifecycle.serving_model()
        context = self.context(files)
        make = self.payload.load if self.payload.reload is None else partial(self.payload.reload, old)
        new = await asyncio.get_running_loop().run_in_executor(background_thread("reloader"), make, context)
        try:
            await warm_up(self._rehearsal(new, files), self.payload.warm_up(new), at_once=1)
        except Exception:
            if new is not old:
                await self._close(new, CLOSE_SECONDS)
            raise
        lifecycle.loaded(new, files)
        if new is not old:
            self._retire(old)

    def separate_service(self) -> Service[M]:
        """Return a separate service with the same settings, whose metrics and state are discarded."""
        return make_service(self.service.settings, self.service.identity, workers=1)

    def _rehearsal(self, model: M, files: ConfigFiles) -> ASGIApp:
        """Return the role's routes with a model that does not serve yet; its requests are not counted."""
        service = self.separate_service()
        service.lifecycle.loaded(model, files)
        return Starlette(routes=list(self.payload.routes(service)), exception_handlers=HANDLERS)

    def _retire(self, model: M) -> None:
        """Close a model once the time limit of every request that may use it has passed."""

        async def close_later() -> None:
            await asyncio.sleep(self.service.settings.request_timeout_seconds)
            await self._close(model, CLOSE_SECONDS)

        if self.payload.close is not None:
            task = asyncio.create_task(close_later(), name="retire")
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def _close(self, model: M, seconds: float) -> None:
        close = self.payload.close
        if close is None:
            return
        try:
            async with asyncio.timeout(seconds):
                # `close` runs in a thread, because it may block. If it returns an awaitable, that is awaited on the
                # loop that owns the connections.
                rest = await asyncio.get_running_loop().run_in_executor(background_thread("closer"), close, model)
                if rest is not None:
                    await rest
        except TimeoutError:
            log.warning("the role's resources were not closed within %.1f s", seconds)
        except Exception:
            log.exception("closing failed")
