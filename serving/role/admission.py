"""The bounded queue in front of the worker threads.

A request takes a place before its body is read. Waiting work and the memory of waiting uploads therefore cannot grow
without limit, and a client learns at once that it should retry later.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from typing import Any, TypeVar

from serving.telemetry.metrics import Telemetry
from serving.work.batching import Pending
from serving.work.workers import Job, State, Workers

T = TypeVar("T")


class OverloadedError(Exception):
    """Every worker is busy and the queue is full."""


class Stage(Enum):
    """The progress of an admitted request."""

    READING = "reading"
    WAITING = "waiting"
    RUNNING = "running"


class Admission:
    """The worker threads and `queue_limit` places for waiting requests."""

    def __init__(self, *, workers: int, queue_limit: int, telemetry: Telemetry) -> None:
        self.workers = workers
        self._threads = Workers(workers)
        self._capacity = workers + queue_limit
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._taken = 0
        self._running = 0
        telemetry.queue_depth.set_function(lambda: max(0, self._taken - self._running))

    @contextmanager
    def place(self) -> Generator["Place"]:
        """Hold a place for one request.

        A job that outlives its request (a running inference cannot be stopped) keeps the place until it ends, because
        its thread is busy until then.

        Raises:
            OverloadedError: no place is free.
        """
        self.change(taken=1)
        place = Place(self)
        try:
            yield place
        finally:
            place.left = True
            job = place.job
            if job is None or job.state is State.ENDED or self._threads.withdraw(job):
                self.change(taken=-1)

    def submit(self, place: "Place", call: Callable[[], T | Pending[Any, Any, T]]) -> Job[T]:
        """Queue the job of an admitted request for the next free worker thread."""
        asked = time.perf_counter()

        def begun() -> None:
            place.stage = Stage.RUNNING
            self._telemetry.queue_seconds.observe(time.perf_counter() - asked)
            self.change(running=1)

        def ended() -> None:
            self.change(running=-1, taken=-1 if place.left else 0)

        job = Job(call, begun=begun, ended=ended)
        self._threads.submit(job)
        return job

    def change(self, *, taken: int = 0, running: int = 0) -> None:
        """Change the counts; called by worker threads and by the event loop."""
        with self._lock:
            if taken > 0 and self._taken + taken > self._capacity:
                raise OverloadedError
            self._taken += taken
            self._running += running


class Place:
    """One admitted request: its body is read, then its job waits for a thread and runs."""

    def __init__(self, admission: Admission) -> None:
        self.stage = Stage.READING
        self.job: Job[Any] | None = None
        self.left = False
        self._admission = admission

    @contextmanager
    def running(self) -> Generator[None]:
        """Count a job that runs on the event loop instead of in a worker thread."""
        self.stage = Stage.RUNNING
        self._admission.change(running=1)
        try:
            yield
        finally:
            self._admission.change(running=-1)

    async def run(self, call: Callable[[], T | Pending[Any, Any, T]]) -> T:
        """Run a job in a worker thread; cancelling the wait cancels a job that has not begun."""
        self.stage = Stage.WAITING
        job = self._admission.submit(self, call)
        self.job = job
        return await job.answer
