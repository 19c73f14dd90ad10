"""Celery's worker inside this process: beside the model, under the framework's port, health and drain.

Its own pool of processes is not used (`solo`: a task runs where it is received). One picture at a time and pod: the
inference has threads of its own, a fork would copy none of them, and what scales the work is the number of pods.
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
"""How long a start is waited for; whether it then is connected is seen by the next look."""
STALLED_SECONDS = 5.0
"""Pictures wait and this worker does nothing for so long: a healthy one takes the next within milliseconds."""

log = logging.getLogger("slipway.worker")


class Consumer:
    """The consuming thread, and whether it does its duty.

    Celery connects again by itself after a loss, but a task that ends in between can leave it connected and taking
    nothing. So after every loss, and whenever pictures wait while it idles, the consumer is replaced by a new one.
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
        """Mark the time of a task."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    def lost(self) -> None:
        """Know that the broker was away: replace the consumer when it is back."""
        self._replace = self.thread is not None

    def require(self, queued: int) -> None:
        """Have a consumer that takes what waits: start one, or end one that does not, and start another.

        Raises:
            UnreachableError: there is none that is connected with the broker; one is on its way.
        """
        if self._ended:
            return
        running = self.thread is not None and self.thread.is_alive()
        if running and (self._replace or self._stalled(queued)):
            state.should_stop = 0  # as Celery's own signal handler does; the number becomes its exit code
            raise UnreachableError("queue: the consumer is being replaced after the broker was away")
        if not running:
            self._start()
            self._ready.wait(START_SECONDS)
        elif not self._connected():
            raise UnreachableError("queue: the consumer is not connected with the broker; it tries again by itself")

    def stop(self) -> None:
        """Take no more tasks, end the one that runs, give back what was taken and not begun."""
        self._ended = True
        if self.thread is None or not self.thread.is_alive():
            return
        state.should_stop = 0
        self.thread.join()
        state.should_stop = None
        log.info("the consumer has stopped")

    def _stalled(self, queued: int) -> bool:
        """Whether pictures have waited for a while and this worker has done nothing."""
        now = self._clock()
        if self._busy or not queued:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        stalled = self._idle_since is not None and now - self._idle_since > STALLED_SECONDS
        if stalled and not self._replace:
            log.warning("%d pictures wait and the consumer takes none: it is replaced", queued)
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
        self._app.set_current()  # of this thread: Celery looks a message's task up in the current application
        self._worker.start()

    def _is_ready(self, _: object) -> None:
        self._ready.set()

    def _connected(self) -> bool:
        connection = self._worker.consumer.connection
        return self._ready.is_set() and connection is not None and bool(connection.connected)
