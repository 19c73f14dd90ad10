"""Role `parsing.worker`: a Celery worker for jobs, with the framework's health checks, metrics and drain."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from celery import states
from prometheus_client import CollectorRegistry, Counter, Histogram

from serving.clients.result_cache import once_per_server
from serving.errors import UnreachableError
from serving.payloads.parsing.answers import Answer, Answers
from serving.payloads.parsing.consumer import Consumer
from serving.payloads.parsing.inbox import Inbox
from serving.payloads.parsing.jobs import TASK, Jobs, open_jobs
from serving.payloads.parsing.loading import example, open_answers
from serving.pictures import MOST_PIXELS, PictureError
from serving.role.payload import Context, Payload
from serving.telemetry.metrics import LATENCY_BUCKETS

MOST_ATTEMPTS = 5
"""Limit of attempts per picture, so that a picture that kills its worker does not kill all workers repeatedly."""


class TaskMetrics:
    """Metrics of finished tasks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.pictures = Counter(
            "parsing_pictures", "Pictures of jobs by outcome: done, refused.", ["outcome"], registry=registry
        )
        self.seconds = Histogram(
            "parsing_picture_duration_seconds",
            "Seconds that a picture of a job took, decoding and mask included.",
            buckets=LATENCY_BUCKETS,
            registry=registry,
        )


task_metrics = once_per_server(TaskMetrics)


@dataclass(frozen=True)
class TaskRunner:
    """Runs the tasks of the queue: takes a picture from the inbox and answers it."""

    answers: Answers
    inbox: Inbox
    metrics: TaskMetrics
    busy: Callable[[], AbstractContextManager[None]]

    def parse(self, task: str) -> Answer | None:
        """Return the result of a task, or None if an earlier delivery has stored it."""
        taken = self.inbox.take(task)
        if taken is None:
            return None
        if taken.attempt > MOST_ATTEMPTS:
            return self._refused(f"the picture stopped {MOST_ATTEMPTS} workers; it is not retried")
        began = time.perf_counter()
        (answer,) = self.answers.of([taken.content], MOST_PIXELS)
        self.metrics.seconds.observe(time.perf_counter() - began)
        if isinstance(answer, PictureError):
            return self._refused(str(answer))
        self.metrics.pictures.labels("done").inc()
        return answer

    def _refused(self, reason: str) -> Answer:
        self.metrics.pictures.labels("refused").inc()
        return {"error": reason}


def register(app: Any, runner: TaskRunner) -> None:  # noqa: ANN401 - Celery has no types
    """Register the task with the Celery application."""

    def parse(self: Any) -> Answer:  # noqa: ANN401 - Celery's task
        with runner.busy():
            answer = runner.parse(self.request.id)
        # Celery never overwrites a stored success: for a picture that is done, this error is never seen.
        return answer or {"error": "the picture expired before a worker was free; send it again"}

    def forget(_: object, status: str, _value: object, task: str, *_more: object) -> None:
        """Delete the picture after its result is stored, not earlier: until then it may be needed again."""
        if status == states.SUCCESS:
            runner.inbox.done(task)

    app.task(name=TASK, bind=True, shared=False, after_return=forget)(parse)


@dataclass(frozen=True)
class Worker:
    """A loaded worker."""

    answers: Answers
    jobs: Jobs
    consumer: Consumer


def _load(context: Context) -> Worker:
    answers = open_answers(context)
    answers.of([example()], MOST_PIXELS)
    jobs = open_jobs(context)
    jobs.observe()
    consumer = Consumer(jobs.results)
    register(jobs.results, TaskRunner(answers, jobs.inbox, task_metrics(context.telemetry), consumer.busy))
    return Worker(answers, jobs, consumer)


def _check(worker: Worker) -> None:
    try:
        load = worker.jobs.observe()
    except UnreachableError:
        worker.consumer.lost()
        raise
    worker.consumer.require(load.queued)
    worker.jobs.send_lost_again()


PAYLOAD = Payload[Worker](
    load=_load,
    routes=lambda _: [],
    check=_check,
    reload=lambda worker, _: worker,
    close=lambda worker: worker.consumer.stop(),
    tensors=lambda worker: worker.answers.parser.onnx,
    default_model_name="parsing",
)
