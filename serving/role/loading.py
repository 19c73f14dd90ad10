"""Load and warm the model in the background, again and again until it works; then watch what it depends on.

The process listens before it has a model and stays alive without one: a restart loop would hide the reason, and a
model that appears later is picked up without anybody's help.
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
    """A pool of its own: the default one is waited for at exit, and a call that hangs must not hold up a drain."""
    return ThreadPoolExecutor(1, thread_name_prefix=name)


def reason_of(error: Exception) -> str:
    """One line for the log and /health."""
    if isinstance(error, ModelUnusableError | UnreachableError | WarmUpError | ConfigFilesError):
        return str(error)
    return f"loading failed: {error!r}"


async def load_until_good(
    load_and_warm: Callable[[], Awaitable[None]], lifecycle: Lifecycle[M], telemetry: Telemetry
) -> None:
    """Load, warm and become ready; on failure publish the reason and try again, at growing intervals."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = time.perf_counter()
        try:
            await load_and_warm()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process must stay and say it
            reason = reason_of(error)
        else:
            seconds = time.perf_counter() - began
            telemetry.model_load_seconds.set(seconds)
            telemetry.model_loaded.set(1)
            lifecycle.warmed()
            log.info("ready", extra=with_fields(loadSeconds=round(seconds, 3), files=lifecycle.files.hash))
            return
        if reason != lifecycle.reason:  # one line per reason, not per attempt
            log.error("not ready: %s", reason)
        lifecycle.failed(reason)
        telemetry.model_load_failures.inc()
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def watch_dependencies(check: Callable[[M], None], lifecycle: Lifecycle[M], telemetry: Telemetry) -> None:
    """Ask again and again whether what the role depends on answers; not ready while it does not."""
    checker = background_thread("checker")
    while True:
        reason = None
        try:
            await asyncio.get_running_loop().run_in_executor(checker, check, lifecycle.serving_model())
        except UnreachableError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - a check that fails otherwise is no sign of good answers
            reason = f"the check of dependencies failed: {error!r}"
        if reason != lifecycle.unreachable:
            if reason is None:
                log.info("ready again: everything that the role depends on answers")
            else:
                log.error("not ready: %s", reason)
        lifecycle.depends(reason)
        telemetry.dependencies_reachable.set(reason is None)
        await asyncio.sleep(CHECK_SECONDS)
