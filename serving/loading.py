"""Load and warm the model in the background, again and again until it works.

The process listens before it has a model and stays alive without one: a restart loop would hide the reason, and a
model that appears later is picked up without anybody's help.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from serving.lifecycle import Lifecycle
from serving.logs import with_fields
from serving.model import Model, ModelUnusableError
from serving.telemetry import Telemetry
from serving.warmup import WarmUpError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0

log = logging.getLogger("slipway.model")


async def load_until_good(
    load: Callable[[], Model], warm: Callable[[], Awaitable[None]], lifecycle: Lifecycle, telemetry: Telemetry
) -> None:
    """Load, warm and become ready; on failure publish the reason and try again, at growing intervals."""
    # A pool of its own: the default one is waited for at exit, and a load that hangs must not hold up a drain.
    loader = ThreadPoolExecutor(1, thread_name_prefix="loader")
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = time.perf_counter()
        try:
            model = await asyncio.get_running_loop().run_in_executor(loader, load)
            lifecycle.loaded(model)
            await warm()
        except (ModelUnusableError, WarmUpError) as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process must stay and say it
            reason = f"loading failed: {error!r}"
        else:
            seconds = time.perf_counter() - began
            telemetry.model_load_seconds.set(seconds)
            telemetry.model_loaded.set(1)
            lifecycle.warmed()
            log.info("ready", extra=with_fields(model=model.metadata.version, loadSeconds=round(seconds, 3)))
            return
        if reason != lifecycle.reason:  # one line per reason, not per attempt
            log.error("not ready: %s", reason)
        lifecycle.failed(reason)
        telemetry.model_load_failures.inc()
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
