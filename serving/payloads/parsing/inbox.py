"""The waiting pictures of jobs: stored beside the queue, because messages should be small and may be delivered twice.

A picture is outstanding from its submission until its result is stored. Meanwhile its message is in the queue, or a
worker holds it unacknowledged, and Celery restores it if that worker dies. There is one gap: a worker that is killed at
the very moment of taking a message. If pictures are outstanding while no message is queued or held, their messages fell
into this gap and are sent again.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, cast

from serving.clients.redis_client import redis_client

QUEUE = "parsing"
"""Name of the queue and of its list in Redis; workers scale on its length."""
HELD = "unacked"
"""Celery's own hash of the messages that workers hold."""
KEPT_SECONDS = 3600
"""Seconds that pictures wait and results are kept."""
LOST_AFTER_SECONDS = 10.0
"""Age in seconds from which an outstanding picture may be lost: its message follows it within milliseconds."""
ANSWER_SECONDS = 1.0
_OUTSTANDING = "parsing:outstanding"
_MOST_AT_ONCE = 100


class Taken(NamedTuple):
    """A picture taken by a worker, and the number of times it was taken so far."""

    content: bytes
    attempt: int


class Load(NamedTuple):
    """The amount of work: messages that wait, and messages held by workers."""

    queued: int
    held: int


class Inbox(Protocol):
    """Pictures of jobs by the id of their task."""

    def put(self, job: str, pictures: Mapping[str, bytes]) -> None:
        """Store a job's task ids, and its pictures until they are done or expire."""
        ...

    def tasks(self, job: str) -> list[str] | None:
        """Return the tasks of a job in the order of its pictures, or None if the id is unknown or expired."""
        ...

    def take(self, task: str) -> Taken | None:
        """Return a picture, or None if it is done or expired."""
        ...

    def done(self, task: str) -> None:
        """Delete a picture whose result is stored."""
        ...

    def lost(self) -> list[str]:
        """Return outstanding tasks whose message is lost; each call names a task again only after a while."""
        ...

    def load(self) -> Load:
        """Return the amount of work."""
        ...


class RedisInbox:
    """An inbox in the queue's Redis; thread-safe. Every call may raise redis.RedisError."""

    def __init__(self, host: str, port: int, password: str | None = None) -> None:
        self.client: Any = redis_client(host, port, password, answer_seconds=ANSWER_SECONDS)

    def put(self, job: str, pictures: Mapping[str, bytes]) -> None:
        """Store a job's task ids, and its pictures until they are done or expire."""
        pipe = self.client.pipeline()
        pipe.set(_job(job), json.dumps(list(pictures)), ex=KEPT_SECONDS)
        for task, content in pictures.items():
            pipe.set(_picture(task), content, ex=KEPT_SECONDS)
        pipe.zadd(_OUTSTANDING, dict.fromkeys(pictures, time.time()))
        pipe.execute()

    def tasks(self, job: str) -> list[str] | None:
        """Return the tasks of a job in the order of its pictures, or None if the id is unknown or expired."""
        stored = cast("bytes | None", self.client.get(_job(job)))
        return None if stored is None else json.loads(stored)

    def take(self, task: str) -> Taken | None:
        """Return a picture, or None if it is done or expired."""
        content = cast("bytes | None", self.client.get(_picture(task)))
        if content is None:
            self.client.zrem(_OUTSTANDING, task)
            return None
        pipe = self.client.pipeline()
        pipe.incr(_attempts(task))
        pipe.expire(_attempts(task), KEPT_SECONDS)
        attempt = cast("int", pipe.execute()[0])
        return Taken(content, attempt)

    def done(self, task: str) -> None:
        """Delete a picture whose result is stored."""
        pipe = self.client.pipeline()
        pipe.delete(_picture(task), _attempts(task))
        pipe.zrem(_OUTSTANDING, task)
        pipe.execute()

    def lost(self) -> list[str]:
        """Return outstanding tasks whose message is lost; each call names a task again only after a while."""
        now = time.time()
        pipe = self.client.pipeline()
        pipe.llen(QUEUE)
        pipe.hlen(HELD)
        pipe.zrange(_OUTSTANDING, 0, now - LOST_AFTER_SECONDS, byscore=True, offset=0, num=_MOST_AT_ONCE)
        queued, held, old = cast("tuple[int, int, list[bytes]]", tuple(pipe.execute()))
        if queued or held or not old:
            return []
        tasks = [task.decode() for task in old]
        self.client.zadd(_OUTSTANDING, dict.fromkeys(tasks, now), xx=True)
        return tasks

    def load(self) -> Load:
        """Return the amount of work."""
        pipe = self.client.pipeline()
        pipe.llen(QUEUE)
        pipe.hlen(HELD)
        return Load(*cast("list[int]", pipe.execute()))


def _job(job: str) -> str:
    return f"parsing:job:{job}"


def _picture(task: str) -> str:
    return f"parsing:picture:{task}"


def _attempts(task: str) -> str:
    return f"parsing:attempts:{task}"
