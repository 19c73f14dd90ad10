"""The bounded queue in front of the worker threads.

A place is taken before the body is read, so that neither waiting work nor the memory of waiting uploads can grow
without limit, and a client learns at once that it should come back later.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from enum import Enum
from typing import Any, TypeVar

from serving.telemetry import Telemetry

T = TypeVar("T")


class OverloadedError(Exception):
    """Every worker is busy and the queue is full."""


class Stage(Enum):
    """How far an admitted request came."""

    READING = "reading"
    WAITING = "waiting"
    RUNNING = "running"


class Admission:
    """Worker threads with one request each, and `queue_limit` places for those who wait."""

    def __init__(self, *, workers: int, queue_limit: int, telemetry: Telemetry) -> None:
        self.workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._capacity = workers + queue_limit
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._taken = 0
        self._running = 0

    @contextmanager
    def place(self) -> Generator["Place"]:
        """Hold a place for one request.

        A job that outlives its request (nothing can stop a running inference) keeps the place until it ends: its
        thread is not free before that.

        Raises:
            OverloadedError: no place is free.
        """
        self.change(taken=1)
        place = Place(self)
        try:
            yield place
        finally:
            if place.job is None or place.job.cancel():
                self.change(taken=-1)
            else:
                place.job.add_done_callback(lambda _: self.change(taken=-1))

    def submit(self, place: "Place", job: Callable[[], T]) -> Future[T]:
        """Queue the job of an admitted request for the next free worker thread."""
        asked = time.perf_counter()

        def in_thread() -> T:
            place.stage = Stage.RUNNING
            self._telemetry.queue_seconds.observe(time.perf_counter() - asked)
            self.change(running=1)
            try:
                return job()
            finally:
                self.change(running=-1)

        # The job belongs to its request in the thread too: what it calls carries the request's trace.
        return self._threads.submit(copy_context().run, in_thread)

    def change(self, *, taken: int = 0, running: int = 0) -> None:
        """Change the counts; workers and the event loop both do."""
        with self._lock:
            if taken > 0 and self._taken + taken > self._capacity:
                raise OverloadedError
            self._taken += taken
            self._running += running
            self._telemetry.queue_depth.set(max(0, self._taken - self._running))


class Place:
    """One admitted request: first its body is read, then its job waits for a thread and runs."""

    def __init__(self, admission: Admission) -> None:
        self.stage = Stage.READING
        self.job: Future[Any] | None = None
        self._admission = admission

    @contextmanager
    def running(self) -> Generator[None]:
        """Count a job that runs on the event loop, in no worker thread."""
        self.stage = Stage.RUNNING
        self._admission.change(running=1)
        try:
            yield
        finally:
            self._admission.change(running=-1)

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job in a worker thread; cancelling the wait cancels a job that has not begun."""
        self.stage = Stage.WAITING
        future = self._admission.submit(self, job)
        self.job = future
        return await asyncio.wrap_future(future)
