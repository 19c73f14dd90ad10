"""Jobs: pictures that workers parse later. Celery carries the tasks and keeps their results.

A job has one task per picture, so that several workers can share it and its progress is known. Every task may run
twice: the result is the same, and the second run finds that the first is done.
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

from serving.clients.result_cache import once_per_server
from serving.errors import UnreachableError
from serving.payloads.parsing.answers import Answer
from serving.payloads.parsing.inbox import ANSWER_SECONDS, KEPT_SECONDS, QUEUE, Inbox, Load, RedisInbox
from serving.role.payload import Context

TASK = "parsing.parse"
STORE = "queue"
"""Name of the store; its address is in QUEUE_ADDRESS."""
PASSWORD = "QUEUE_PASSWORD"  # noqa: S105 - the name of a variable
VISIBILITY_SECONDS = 30
"""Seconds after which Celery restores a message that a worker has not acknowledged, because the worker was killed. No
picture takes this long on a whole CPU; on a throttled one it may run twice, which is harmless."""
RESTORE_SECONDS = 5
R = TypeVar("R")
State = Literal["queued", "running", "done", "failed"]


class Progress(NamedTuple):
    """Progress of a job: pictures done, and pictures in total."""

    state: State
    done: int
    of: int


class QueueMetrics:
    """Metrics of the queue for autoscalers and people."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.length = Gauge("parsing_queue_length", "Pictures that wait for a worker.", registry=registry)
        self.held = Gauge("parsing_queue_held", "Pictures that workers hold and have not finished.", registry=registry)
        self.reachable = Gauge(
            "parsing_queue_reachable", "0 while the queue's Redis is unreachable.", registry=registry
        )


queue_metrics = once_per_server(QueueMetrics)


@dataclass(frozen=True)
class Jobs:
    """Submits jobs and reports on them. Calls block; each raises UnreachableError while Redis is unreachable."""

    sender: Any  # Celery, which has no types
    results: Any
    inbox: Inbox
    where: str
    metrics: QueueMetrics

    def submit(self, pictures: Sequence[bytes]) -> str:
        """Queue pictures as one job and return its id."""
        return self._asked(lambda: self._submit(pictures))

    def progress(self, job: str) -> Progress | None:
        """Return a job's progress, or None if the id is unknown or expired."""
        return self._asked(lambda: self._progress(job))

    def result(self, job: str) -> list[Answer]:
        """Return the answers of a finished job in the order of its pictures."""
        tasks = self._asked(lambda: self._tasks(job)) or []
        return self._asked(lambda: [cast("Answer", task.result) for task in tasks])

    def observe(self) -> Load:
        """Measure the queue. While Redis is unreachable, the length metrics keep their last values."""
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
        """Send the lost messages again (see `inbox`) and return their number."""
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
        """Return a job's results; not a GroupResult, which stays subscribed to each result until the process ends."""
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
    """Return the queue at QUEUE_ADDRESS, without connecting yet.

    Raises:
        ModelUnusableError: the address is missing.
    """
    host, port = context.address(STORE)
    password = context.environment.get(PASSWORD) or None
    user = f":{quote(password, safe='')}@" if password else ""
    url = f"redis://{user}{host}:{port}/0"
    return Jobs(
        # Separate, because a Celery application that has both subscribes permanently to the result of every task it
        # sends.
        sender=celery_app(url, None),
        results=celery_app(url, url),
        inbox=RedisInbox(host, port, password),
        where=f"{host}:{port}",
        metrics=queue_metrics(context.telemetry),
    )


def celery_app(broker: str, backend: str | None) -> Any:  # noqa: ANN401 - Celery has no types
    """Return a Celery application that fails fast instead of waiting for a broker; the framework does the waiting."""
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
