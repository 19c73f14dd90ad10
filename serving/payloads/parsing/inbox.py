"""The pictures of jobs while they wait: beside the queue, because a message should be small and may be delivered twice.

A picture is outstanding from its submission until its result is stored. Between the two its message is in the queue, or
held unacknowledged by a worker, from whom Celery takes it back when the worker dies. There is one gap: a worker that is
killed in the very moment of taking a message. A picture that is outstanding while nothing is queued and nothing is held
fell into it, and is sent again.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, cast

from serving.clients.redis_client import redis_client

QUEUE = "parsing"
"""Name of the queue, and of its list in Redis: its length is what workers are scaled on."""
HELD = "unacked"
"""Celery's own hash of messages that workers hold."""
KEPT_SECONDS = 3600
"""How long pictures wait and results are kept."""
LOST_AFTER_SECONDS = 10.0
"""Age from which an outstanding picture may be lost: its message follows it by milliseconds."""
ANSWER_SECONDS = 1.0
_OUTSTANDING = "parsing:outstanding"
_MOST_AT_ONCE = 100


class Taken(NamedTuple):
    """A picture that a worker takes, and how often it was taken before and now."""

    content: bytes
    attempt: int


class Load(NamedTuple):
    """What there is to do: messages waiting, and messages held by workers."""

    queued: int
    held: int


class Inbox(Protocol):
    """Pictures of jobs by the id of their task."""

    def put(self, job: str, pictures: Mapping[str, bytes]) -> None:
        """Keep the pictures of a job until they are done or too old, and which tasks they are."""
        ...

    def tasks(self, job: str) -> list[str] | None:
        """The tasks of a job, in the order of its pictures, or None: there is none of this id, or it is too old."""
        ...

    def take(self, task: str) -> Taken | None:
        """A picture, or None when it is done or too old."""
        ...

    def done(self, task: str) -> None:
        """Forget a picture whose result is stored."""
        ...

    def lost(self) -> list[str]:
        """Tasks that are outstanding although nobody has their message; each is named once in a while."""
        ...

    def load(self) -> Load:
        """How much there is to do."""
        ...


class RedisInbox:
    """In the Redis of the queue; thread-safe. Every call may raise redis.RedisError."""

    def __init__(self, host: str, port: int, password: str | None = None) -> None:
        self.client: Any = redis_client(host, port, password, answer_seconds=ANSWER_SECONDS)

    def put(self, job: str, pictures: Mapping[str, bytes]) -> None:
        """Keep the pictures of a job until they are done or too old, and which tasks they are."""
        pipe = self.client.pipeline()
        pipe.set(_job(job), json.dumps(list(pictures)), ex=KEPT_SECONDS)
        for task, content in pictures.items():
            pipe.set(_picture(task), content, ex=KEPT_SECONDS)
        pipe.zadd(_OUTSTANDING, dict.fromkeys(pictures, time.time()))
        pipe.execute()

    def tasks(self, job: str) -> list[str] | None:
        """The tasks of a job, in the order of its pictures, or None: there is none of this id, or it is too old."""
        stored = cast("bytes | None", self.client.get(_job(job)))
        return None if stored is None else json.loads(stored)

    def take(self, task: str) -> Taken | None:
        """A picture, or None when it is done or too old."""
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
        """Forget a picture whose result is stored."""
        pipe = self.client.pipeline()
        pipe.delete(_picture(task), _attempts(task))
        pipe.zrem(_OUTSTANDING, task)
        pipe.execute()

    def lost(self) -> list[str]:
        """Tasks that are outstanding although nobody has their message; each is named once in a while."""
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
        """How much there is to do."""
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
