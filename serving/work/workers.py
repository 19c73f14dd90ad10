"""Worker threads: they run jobs in order of arrival and batch inferences where jobs allow it.

A thread reports all jobs that it finished together with one call to the event loop. Each call costs a thread switch,
and one call per request would be most of the cost of a small model.
"""

import asyncio
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from contextvars import copy_context
from enum import Enum
from functools import partial
from itertools import groupby
from typing import Any, Generic, TypeVar, cast

from serving.work.batching import Pending
from serving.work.lanes import giving_way, join_lane

T = TypeVar("T")

# Seconds for which a thread reads waiting jobs before it computes, so that large bodies do not delay the first job.
GATHER_SECONDS = 0.005


class State(Enum):
    """The progress of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


class Job(Generic[T]):
    """One call in a worker thread; created, awaited and ended on the event loop.

    call: Returns the result, or `Pending` if its inference may be batched.
    begun: Called first in the thread.
    ended: Called on the loop after a job that had begun has ended.
    """

    def __init__(
        self, call: Callable[[], "T | Pending[Any, Any, T]"], *, begun: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        # The job runs in its request's context, so that its outgoing calls carry the request's trace.
        self.context = copy_context()
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[T] = self.loop.create_future()
        self.state = State.WAITING
        self.begun = begun
        self._call: Callable[[], T | Pending[Any, Any, T]] | None = call
        self._ended = ended
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self) -> "Pending[Any, Any, T] | None":
        """Run the call and keep its result or error, or return the inference that is still pending."""
        call, self._call = self._call, None  # it holds the request's body
        if call is None:
            raise RuntimeError("a job runs once")
        try:
            result = self.context.run(call)
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            self._error = without_locals(error)
            return None
        if isinstance(result, Pending):
            return cast("Pending[Any, Any, T]", result)
        self._result = result
        return None

    def finish(self, pending: "Pending[Any, Any, T]", found: object) -> None:
        """Turn a computed answer into the job's result and keep it."""
        try:
            self._result = self.context.run(pending.result, found)
        except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
            self._error = without_locals(error)

    def end(self) -> None:
        """Set the future's result or error, on the event loop, unless nobody awaits it any more.

        After an error, the job gets another, cancelled future. The error's traceback holds the frames that ran the job:
        if the job held the error too, the memory of a refused request would stay until the garbage collector finds this
        cycle.
        """
        self.state = State.ENDED
        answer, result, error = self.answer, self._result, self._error
        self._result = self._error = None
        if error is not None:
            self.answer = self.loop.create_future()
            self.answer.cancel()
        if not answer.done():
            if error is None:
                answer.set_result(cast("T", result))
            else:
                answer.set_exception(error)
        self._ended()


def without_locals(error: BaseException) -> BaseException:
    """Return an error whose tracebacks, with those of its causes, keep their lines but no variables.

    The variables are the request's body and tensors. The frames that still run keep theirs.
    """
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        one = rest.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            rest += [one.__cause__, one.__context__]
    return error


class Workers:
    """The threads of one lane and their queue of jobs."""

    def __init__(self, count: int, *, large: bool = False) -> None:
        self.count = count
        self._large = large
        name = "large" if large else "worker"
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name, initializer=partial(join_lane, large=large))
        self._lock = threading.Lock()
        self._waiting: deque[Job[Any]] = deque()
        self._busy = 0

    def submit(self, job: Job[Any]) -> None:
        """Queue a job for the next free thread."""
        with self._lock:
            self._waiting.append(job)
            if self._busy == self.count:
                return
            self._busy += 1
        self._threads.submit(self._work)

    def withdraw(self, job: Job[Any]) -> bool:
        """Withdraw a job that has not begun; return False if it has begun."""
        with self._lock:
            if job.state is not State.WAITING:
                return False
            self._waiting.remove(job)
            job.state = State.ENDED
            return True

    def _work(self) -> None:
        """Run waiting jobs until none is left."""
        while (job := self._take(else_leave=True)) is not None:
            with giving_way() if self._large else nullcontext():
                self._do(job)

    def _take(self, *, else_leave: bool = False) -> Job[Any] | None:
        with self._lock:
            if not self._waiting:
                self._busy -= else_leave
                return None
            job = self._waiting.popleft()
            job.state = State.RUNNING
            return job

    def _do(self, first: Job[Any]) -> None:
        """Run a job; if its inference may be batched, read further waiting jobs, compute all and end all."""
        until = time.perf_counter() + GATHER_SECONDS
        taken: list[Job[Any]] = []
        shared: list[tuple[Job[Any], Pending[Any, Any, Any]]] = []
        job: Job[Any] | None = first
        while job is not None:
            taken.append(job)
            job.begun()
            pending = job.run()
            if pending is None:
                break
            shared.append((job, pending))
            full = len(shared) >= pending.batches.fit.most or time.perf_counter() >= until
            job = None if full else self._take()
        self._compute(shared)
        with suppress(RuntimeError):  # the loop is closed: nobody awaits the jobs any more
            first.loop.call_soon_threadsafe(_end, taken)

    def _compute(self, shared: Sequence[tuple[Job[Any], Pending[Any, Any, Any]]]) -> None:
        for _, part in groupby(shared, key=lambda one: id(one[1].batches)):  # a reload may change them while jobs wait
            jobs, pending = zip(*part, strict=True)
            answers = pending[0].batches.answers([one.item for one in pending])
            for job, one, found in zip(jobs, pending, answers, strict=True):
                job.finish(one, found)


def _end(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.end()
