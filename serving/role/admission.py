"""The bounded queue in front of the worker threads.

A request is refused before its body is read if no place is free, and takes its place once the body has arrived. Waiting
work therefore cannot grow without limit, a client learns at once that it should retry later, and a slow upload takes no
place. `serving.http.connections` limits the memory of uploads. Large jobs have their own threads and may take half of
the places, so that a client that sends only large requests leaves places for others.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import Enum
from typing import Any, TypeVar

from serving.telemetry.metrics import Telemetry
from serving.work.batching import Pending
from serving.work.lanes import LargeJob
from serving.work.workers import Job, State, Workers

T = TypeVar("T")


class OverloadedError(Exception):
    """Every worker is busy and the queue is full."""


class Stage(Enum):
    """The progress of an admitted request."""

    WAITING = "waiting"
    RUNNING = "running"


class Admission:
    """The worker threads (`workers` in each lane), and `queue_limit` places for waiting requests."""

    def __init__(self, *, workers: int, queue_limit: int, telemetry: Telemetry) -> None:
        self.workers = workers
        self._small, self._large = Workers(workers), Workers(workers, large=True)
        self.capacity = workers + queue_limit
        self._most_large = max(1, self.capacity // 2)
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._taken = 0
        self._running = 0
        self.large = 0
        telemetry.queue_depth.set_function(lambda: max(0, self._taken - self._running))

    def check(self) -> None:
        """Raise OverloadedError if no place is free."""
        with self._lock:
            if self._taken >= self.capacity:
                raise OverloadedError

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
            job, place.job = place.job, None  # an error refers to its place through its traceback
            if job is None or job.state is State.ENDED or self._lane(place).withdraw(job):
                self._leave(place)

    def submit(self, place: "Place", call: Callable[[], T | Pending[Any, Any, T]]) -> Job[T]:
        """Queue the job of an admitted request for the next free worker thread."""
        asked = time.perf_counter()

        def begun() -> None:
            place.stage = Stage.RUNNING
            self._telemetry.queue_seconds.observe(time.perf_counter() - asked)
            self.change(running=1)

        def ended() -> None:
            self.change(running=-1)
            if place.left:
                self._leave(place)

        job = Job(call, begun=begun, ended=ended)
        self._lane(place).submit(job)
        return job

    def move_to_large_lane(self, place: "Place") -> None:
        """Move a request to the lane of large jobs.

        Raises:
            OverloadedError: large jobs hold half of the places.
        """
        self.change(large=1)
        place.large = True
        place.stage = Stage.WAITING

    def change(self, *, taken: int = 0, running: int = 0, large: int = 0) -> None:
        """Change the counts; called by worker threads and by the event loop."""
        with self._lock:
            if taken > 0 and self._taken + taken > self.capacity:
                raise OverloadedError
            if large > 0 and self.large + large > self._most_large:
                raise OverloadedError
            self._taken += taken
            self._running += running
            self.large += large

    def _lane(self, place: "Place") -> Workers:
        return self._large if place.large else self._small

    def _leave(self, place: "Place") -> None:
        self.change(taken=-1, large=-1 if place.large else 0)


class Place:
    """The place of one admitted request, from its admission to its answer."""

    def __init__(self, admission: Admission) -> None:
        self.stage = Stage.WAITING
        self.job: Job[Any] | None = None
        self.left = False
        self.large = False
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
        """Run a job in a worker thread; cancelling the wait cancels a job that has not begun.

        Raises:
            OverloadedError: the job is large, and large jobs hold half of the places.
        """
        try:
            return await self._run(call)
        except LargeJob:
            self._admission.move_to_large_lane(self)
        return await self._run(call)

    async def _run(self, call: Callable[[], T | Pending[Any, Any, T]]) -> T:
        job = self._admission.submit(self, call)
        self.job = job
        try:
            return await job.answer
        finally:
            del job  # it holds the error, whose traceback holds this frame
