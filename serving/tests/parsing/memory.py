"""The queue in memory of the test process: Celery's own in-memory broker and results, and an inbox in dictionaries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from serving.payloads.parsing.inbox import Load, Taken
from serving.payloads.parsing.jobs import Jobs, celery_app, queue_metrics
from serving.telemetry.metrics import Telemetry


@dataclass
class MemoryInbox:
    """An inbox with the guarantees of the one in Redis; the test says which messages are lost."""

    jobs: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    pictures: dict[str, bytes] = field(default_factory=dict[str, bytes])
    attempts: dict[str, int] = field(default_factory=dict[str, int])
    missing: list[str] = field(default_factory=list[str])
    queued: int = 0

    def put(self, job: str, pictures: Mapping[str, bytes]) -> None:
        self.jobs[job] = list(pictures)
        self.pictures |= pictures

    def tasks(self, job: str) -> list[str] | None:
        return self.jobs.get(job)

    def take(self, task: str) -> Taken | None:
        if task not in self.pictures:
            return None
        self.attempts[task] = self.attempts.get(task, 0) + 1
        return Taken(self.pictures[task], self.attempts[task])

    def done(self, task: str) -> None:
        self.pictures.pop(task, None)

    def lost(self) -> list[str]:
        found, self.missing = self.missing, []
        return found

    def load(self) -> Load:
        return Load(self.queued, 0)


def jobs_in_memory(inbox: MemoryInbox, telemetry: Telemetry) -> Jobs:
    sender, results = celery_app("memory://", None), celery_app("memory://", "cache+memory://")
    for app in (sender, results):
        app.conf.broker_transport_options = {"polling_interval": 0.005}
    return Jobs(sender, results, inbox, "memory", queue_metrics(telemetry))
