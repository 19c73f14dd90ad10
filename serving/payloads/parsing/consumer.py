"""Celery's worker inside this process: next to the model, under the framework's port, health checks and drain.

Celery's own process pool is not used (`solo`: a task runs where it is received), so each pod handles one picture at a
time. The inference has its own threads, which a fork would not copy, and the work scales by the number of pods.
"""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from celery.worker import state

from serving.errors import UnreachableError

START_SECONDS = 10.0
"""Seconds to wait for a start; the next check tells whether the consumer is then connected."""
STALLED_SECONDS = 5.0
"""Seconds that pictures wait while this worker is idle before it is replaced: a healthy one takes the next in ms."""

log = logging.getLogger("slipway.worker")


class Consumer:
    """The consuming thread and its supervision.

    Celery reconnects by itself after a loss, but a task that ends in the meantime can leave it connected without taking
    messages. After every loss, and whenever pictures wait while it is idle, the consumer is therefore replaced.
    """

    def __init__(self, app: Any, clock: Callable[[], float] = time.monotonic) -> None:  # noqa: ANN401 - no types
        self._app = app
        self._clock = clock
        self.thread: threading.Thread | None = None
        self._worker: Any = None
        self._ready = threading.Event()
        self._busy = False
        self._idle_since: float | None = None
        self._replace = False
        self._ended = False

    @contextmanager
    def busy(self) -> Generator[None]:
        """Mark the consumer as busy during a task."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def lost(self) -> None:
        """Record that the broker was unreachable: the consumer is replaced when the broker is back."""
        self._replace = self.thread is not None

    def require(self, queued: int) -> None:
        """Ensure a consumer that takes waiting messages: start one, or stop one that is stuck and start another.

        Raises:
            UnreachableError: no consumer is connected to the broker yet; a new one is starting.
        """
        if self._ended:
            return
        running = self.thread is not None and self.thread.is_alive()
        if running and (self._replace or self._stalled(queued)):
            state.should_stop = 0  # like Celery's own signal handler; the number becomes the exit code
            raise UnreachableError("queue: the consumer is being replaced after the broker was unavailable")
        if not running:
            self._start()
            self._ready.wait(START_SECONDS)
        elif not self._connected():
            raise UnreachableError("queue: the consumer is not connected to the broker; it reconnects automatically")

    def stop(self) -> None:
        """Stop taking tasks, finish the running one, and return tasks that were taken but not begun."""
        self._ended = True
        if self.thread is None or not self.thread.is_alive():
            return
        state.should_stop = 0
        self.thread.join()
        state.should_stop = None
        log.info("the consumer has stopped")

    def _stalled(self, queued: int) -> bool:
        """Return whether pictures have waited too long while this worker was idle."""
        now = self._clock()
        if self._busy or not queued:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        stalled = self._idle_since is not None and now - self._idle_since > STALLED_SECONDS
        if stalled and not self._replace:
            log.warning("%d pictures are waiting and the consumer takes none: replacing it", queued)
            self._replace = True
        return stalled

    def _start(self) -> None:
        state.should_stop = None
        state.reset_state()
        self._replace, self._idle_since = False, None
        self._ready.clear()
        self._worker = self._app.WorkController(
            pool="solo",
            concurrency=1,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            ready_callback=self._is_ready,
        )
        self.thread = threading.Thread(target=self._run, name="consumer", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self._app.set_current()  # per thread: Celery looks up tasks in the current application
        self._worker.start()

    def _is_ready(self, _: object) -> None:
        self._ready.set()

    def _connected(self) -> bool:
        connection = self._worker.consumer.connection
        return self._ready.is_set() and connection is not None and bool(connection.connected)
