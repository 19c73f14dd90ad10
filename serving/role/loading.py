"""Load and warm up the model in the background until it works; then watch the role's dependencies.

The process listens before it has a model and stays alive without one. A restart loop would hide the reason, and a model
that appears later is loaded without manual action.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from serving.errors import ModelUnusableError, UnreachableError
from serving.role.config_files import ConfigFilesError
from serving.role.lifecycle import Lifecycle
from serving.role.warmup import WarmUpError
from serving.telemetry.logs import with_fields
from serving.telemetry.metrics import Telemetry

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
CHECK_SECONDS = 1.0

M = TypeVar("M")

log = logging.getLogger("slipway.model")


def background_thread(name: str) -> ThreadPoolExecutor:
    """Return an executor with its own thread. The event loop would wait for a hung call in its default executor."""
    return ThreadPoolExecutor(1, thread_name_prefix=name)


def reason_of(error: Exception) -> str:
    """Return the reason of an error in one line, for the log and /health."""
    if isinstance(error, ModelUnusableError | UnreachableError | WarmUpError | ConfigFilesError):
        return str(error)
    return f"loading failed: {error!r}"


async def load_until_good(
    load_and_warm: Callable[[], Awaitable[None]], lifecycle: Lifecycle[M], telemetry: Telemetry
) -> None:
    """Load, warm up and become ready; on failure publish the reason and retry at growing intervals."""
    pause = FIRST_PAUSE_SECONDS
    logged = ""
    while True:
        began = time.perf_counter()
        try:
            await load_and_warm()
        except Exception as error:  # noqa: BLE001 - after any error the process must stay up and report it
            reason = reason_of(error)
        else:
            seconds = time.perf_counter() - began
            telemetry.model_load_seconds.set(seconds)
            telemetry.model_loaded.set(1)
            lifecycle.warmed()
            log.info("ready", extra=with_fields(loadSeconds=round(seconds, 3), files=lifecycle.files.hash))
            return
        if reason != logged:  # log once per reason, not per attempt
            log.error("not ready: %s", reason)
            logged = reason
        lifecycle.failed(reason)
        telemetry.model_load_failures.inc()
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def watch_dependencies(check: Callable[[M], None], lifecycle: Lifecycle[M], telemetry: Telemetry) -> None:
    """Check the role's dependencies repeatedly; the pod is not ready while one does not answer."""
    checker = background_thread("checker")
    while True:
        reason = None
        try:
            await asyncio.get_running_loop().run_in_executor(checker, check, lifecycle.serving_model())
        except UnreachableError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - any other failure of the check also means not ready
            reason = f"the dependency check failed: {error!r}"
        if reason != lifecycle.unreachable:
            if reason is None:
                log.info("ready again: all dependencies of the role answer")
            else:
                log.error("not ready: %s", reason)
        lifecycle.set_unreachable(reason)
        telemetry.dependencies_reachable.set(reason is None)
        await asyncio.sleep(CHECK_SECONDS)
