"""Jobs: pictures that are parsed later, by workers. Celery carries the tasks and keeps their results.

A job is several tasks, one for each picture, so that several workers share it and its progress can be told. All tasks
may run twice: they have the same result, and the second one finds that the first is done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

import redis
from celery import Celery, states
from kombu.exceptions import OperationalError
from prometheus_client import CollectorRegistry, Gauge

from serving.clients.results import once_per_server
from serving.errors import UnreachableError
from serving.payloads.parsing.answers import Answer
from serving.payloads.parsing.inbox import ANSWER_SECONDS, KEPT_SECONDS, QUEUE, Inbox, Load, RedisInbox
from serving.role.payload import Context

TASK = "parsing.parse"
STORE = "queue"
"""Name of the store: its address is in QUEUE_ADDRESS."""
PASSWORD = "QUEUE_PASSWORD"  # noqa: S105 - the name of a variable
VISIBILITY_SECONDS = 30
"""When Celery takes a message back from a worker that does not acknowledge it: it was killed. No picture takes so long
on a whole CPU; on a starved one it may run twice, which does no harm."""
RESTORE_SECONDS = 5
R = TypeVar("R")
State = Literal["queued", "running", "done", "failed"]


class Progress(NamedTuple):
    """How far a job is: pictures that are done, of how many."""

    state: State
    done: int
    of: int


class QueueMetrics:
    """What autoscalers and people want to know of the queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.length = Gauge("parsing_queue_length", "Pictures that wait for a worker.", registry=registry)
        self.held = Gauge("parsing_queue_held", "Pictures that workers hold and have not done.", registry=registry)
        self.reachable = Gauge("parsing_queue_reachable", "0 while the queue's Redis is away.", registry=registry)


queue_metrics = once_per_server(QueueMetrics)


@dataclass(frozen=True)
class Jobs:
    """Submits jobs and tells of them. Calls block; each raises UnreachableError while Redis is away."""

    sender: Any  # Celery, which has no types
    results: Any
    inbox: Inbox
    where: str
    metrics: QueueMetrics

    def submit(self, pictures: Sequence[bytes]) -> str:
        """Queue pictures as one job; its id."""
        return self._asked(lambda: self._submit(pictures))

    def progress(self, job: str) -> Progress | None:
        """How far a job is, or None: there is none of this id, or it has expired."""
        return self._asked(lambda: self._progress(job))

    def result(self, job: str) -> list[Answer]:
        """Answers of a job that is done, in the order of its pictures."""
        tasks = self._asked(lambda: self._tasks(job)) or []
        return self._asked(lambda: [cast("Answer", task.result) for task in tasks])

    def observe(self) -> Load:
        """Measure the queue. While it is away, the lengths stay what they were."""
        try:
            load = self._asked(self.inbox.load)
        except UnreachableError:
            self.metrics.reachable.set(0)
            raise
        self.metrics.reachable.set(1)
        self.metrics.length.set(load.queued)
        self.metrics.held.set(load.held)
        return load

    def send_lost_again(self) -> int:
        """Send the messages again that fell into the gap (see `inbox`); how many."""
        lost = self._asked(self.inbox.lost)
        for task in lost:
            self._asked(lambda task=task: self._send(task))
        return len(lost)

    def _submit(self, pictures: Sequence[bytes]) -> str:
        job = str(uuid4())
        tasks = [str(uuid4()) for _ in pictures]
        self.inbox.put(job, dict(zip(tasks, pictures, strict=True)))
        for task in tasks:
            self._send(task)
        return job

    def _send(self, task: str) -> None:
        self.sender.send_task(TASK, task_id=task, queue=QUEUE, retry=False)

    def _tasks(self, job: str) -> list[Any] | None:
        """Results of a job; no GroupResult, which subscribes to each of them for as long as the process lives."""
        tasks = self.inbox.tasks(job)
        return None if tasks is None else [self.results.AsyncResult(task) for task in tasks]

    def _progress(self, job: str) -> Progress | None:
        tasks = self._tasks(job)
        if tasks is None:
            return None
        reached: list[str] = [task.state for task in tasks]
        done = sum(state == states.SUCCESS for state in reached)
        if any(state in states.EXCEPTION_STATES for state in reached):
            return Progress("failed", done, len(reached))
        begun = done > 0 or states.STARTED in reached
        return Progress("done" if done == len(reached) else "running" if begun else "queued", done, len(reached))

    def _asked(self, call: Callable[[], R]) -> R:
        try:
            return call()
        except (redis.RedisError, OperationalError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UnreachableError(f"queue: Redis at {self.where} does not answer ({reason[:160]})") from error


def open_jobs(context: Context) -> Jobs:
    """The queue at QUEUE_ADDRESS; nothing is connected yet.

    Raises:
        ModelUnusableError: no address is given.
    """
    host, port = context.address(STORE)
    password = context.environment.get(PASSWORD) or None
    user = f":{quote(password, safe='')}@" if password else ""
    url = f"redis://{user}{host}:{port}/0"
    return Jobs(
        # Apart, because a Celery that has both subscribes to the result of every task that it sends, and never ends it.
        sender=celery_app(url, None),
        results=celery_app(url, url),
        inbox=RedisInbox(host, port, password),
        where=f"{host}:{port}",
        metrics=queue_metrics(context.telemetry),
    )


def celery_app(broker: str, backend: str | None) -> Any:  # noqa: ANN401 - Celery has no types
    """A Celery that fails fast instead of waiting for a broker; that waiting is the framework's."""
    app: Any = Celery("parsing", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_track_started=True,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": RESTORE_SECONDS,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": ANSWER_SECONDS,
            "socket_keepalive": True,
            "max_retries": 0,
        },
        result_expires=KEPT_SECONDS,
        result_backend_transport_options={"retry_policy": {"max_retries": 0, "timeout": ANSWER_SECONDS}},
        redis_socket_timeout=ANSWER_SECONDS,
        redis_socket_connect_timeout=ANSWER_SECONDS,
    )
    return app
