"""Reload changed configuration files in place: no restart, and the old model serves until the new one works."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from serving.errors import UnreachableError
from serving.role.config_files import ConfigFiles, ConfigFilesError, read, stamp
from serving.role.lifecycle import Lifecycle
from serving.role.loading import background_thread, reason_of
from serving.telemetry.logs import with_fields
from serving.telemetry.metrics import Telemetry

# The kubelet itself takes up to a minute to update a mounted ConfigMap in a pod.
LOOK_SECONDS = 1.0

M = TypeVar("M")

log = logging.getLogger("slipway.config")


async def watch_files(
    folder: Path,
    renewed: Callable[[ConfigFiles], Awaitable[None]],
    lifecycle: Lifecycle[M],
    telemetry: Telemetry,
) -> None:
    """Check for changes every second and pass changed files to `renewed`, which replaces the serving model or raises.

    Files that cannot be used are logged and counted once, and the old model keeps serving until they change again. A
    failure with another cause (an unreachable dependency) is retried.
    """
    looker = background_thread("files")
    settled: object = None
    failed: str | None = None
    refused: str | None = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        seen: object = None
        tried: str | None = None
        try:
            seen = await asyncio.get_running_loop().run_in_executor(looker, stamp, folder)
            if seen == settled:
                continue
            files = await asyncio.get_running_loop().run_in_executor(looker, read, folder)
            if files.hash == refused:  # the folder was touched, but its content is the same
                settled = seen
                continue
            if files.hash != lifecycle.files.hash:
                tried = files.hash
                await renewed(files)
                telemetry.config_reloads.labels("taken").inc()
                log.info("configuration files applied", extra=with_fields(files=files.hash))
            settled, failed, refused = seen, None, None
        except Exception as error:  # noqa: BLE001 - the old model must keep serving after any error
            reason = reason_of(error)
            if reason != failed:
                telemetry.config_reloads.labels("failed").inc()
                log.error("configuration files not applied: %s; %s remains in use", reason, lifecycle.files.hash)  # noqa: TRY400
            failed = reason
            if not isinstance(error, UnreachableError | ConfigFilesError):
                settled, refused = seen, tried
