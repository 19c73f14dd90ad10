"""Render metrics as text: outside the event loop, and at most ten times a second for any number of clients."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf

from prometheus_client import CollectorRegistry, generate_latest

# From the start of one rendering to the start of the next. Each takes about a millisecond, in which no request is
# answered.
PAUSE_SECONDS = 0.1


class Exposition:
    """Renders a registry. Requests that wait at the same time share one text, rendered after all of them arrived."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._begun = -inf
        self._next: asyncio.Task[bytes] | None = None

    async def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        if self._next is None:
            self._next = asyncio.create_task(self._rendered(), name="metrics")
        return await asyncio.shield(self._next)  # a client that disconnects must not cancel the text of the others

    async def _rendered(self) -> bytes:
        try:
            await asyncio.sleep(self._begun + PAUSE_SECONDS - time.monotonic())
        finally:
            self._next = None  # requests that arrive from now on need a later text
        self._begun = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(self._thread, generate_latest, self._registry)
