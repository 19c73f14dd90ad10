"""The result cache: reuses a computed answer for the same bytes, model and variant.

Answers are kept in the process's memory (least recently used evicted first) or in a Redis that the replicas share. The
cache is optional: while Redis is down or slow, answers are computed as without a cache, and no request fails.
"""

import hashlib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar, cast
from weakref import WeakKeyDictionary

import redis
from prometheus_client import CollectorRegistry, Counter, Gauge

from serving.clients.redis_client import redis_client
from serving.telemetry.metrics import Telemetry

MEMORY_BYTES = 32 * 1024 * 1024
"""Memory limit of one process: a few hundred answers with pictures, and a fraction of the smallest pod's memory."""
EXPIRES_SECONDS = 600
"""Seconds that a shared Redis keeps an answer: repeated pictures come back soon or not at all."""
ANSWER_SECONDS = 0.25
"""Timeout of Redis calls in seconds: computing the answer again is faster than waiting for a slow cache."""
PAUSE_SECONDS = 5.0
"""Seconds without calls to a Redis that failed, so that not every request waits for it."""
_PREFIX = "results:"

Outcome = Literal["hit", "miss", "error"]
M = TypeVar("M")
log = logging.getLogger("slipway.results")


class ResultCache(Protocol):
    """A cache of bytes by key. Neither method raises: a failed cache behaves like an empty one."""

    def get(self, key: str) -> bytes | None:
        """Return the stored answer, or None."""
        ...

    def put(self, key: str, answer: bytes) -> None:
        """Store an answer if possible."""
        ...


class CacheMetrics:
    """Metrics of the cache: look-ups by outcome, and bytes held."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "results_cache_requests", "Look-ups by outcome: hit, miss, error.", ["outcome"], registry=registry
        )
        self.bytes = Gauge("results_cache_bytes", "Bytes that the cache in memory holds.", registry=registry)

    def count(self, outcome: Outcome) -> None:
        """Count one look-up."""
        self._requests.labels(outcome).inc()


def once_per_server(make: Callable[[CollectorRegistry], M]) -> Callable[[Telemetry], M]:
    """Return a function that makes metrics once per server, even if the server loads its role several times."""
    made: WeakKeyDictionary[Telemetry, M] = WeakKeyDictionary()

    def of(telemetry: Telemetry) -> M:
        found = made.get(telemetry)
        if found is None:
            found = made[telemetry] = make(telemetry.registry)
        return found

    return of


cache_metrics = once_per_server(CacheMetrics)


def key_of(content: bytes, *about: str) -> str:
    """Return the key of an answer; `about` lists what it depends on besides the bytes: model version, variant, form."""
    digest = hashlib.sha256()
    for part in about:
        digest.update(f"{len(part)}:{part}".encode())
    digest.update(content)
    return digest.hexdigest()


class MemoryCache:
    """A cache in the process's memory, limited by the total bytes of keys and answers; thread-safe."""

    def __init__(self, metrics: CacheMetrics, most_bytes: int = MEMORY_BYTES) -> None:
        self._metrics = metrics
        self._most = most_bytes
        self._held = 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return the stored answer and mark it as most recently used."""
        with self._lock:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
        self._metrics.count("miss" if answer is None else "hit")
        return answer

    def put(self, key: str, answer: bytes) -> None:
        """Store an answer and evict the oldest ones over the limit; skip an answer that alone exceeds the limit."""
        if _size(key, answer) > self._most:
            return
        with self._lock:
            before = self._answers.pop(key, None)
            if before is not None:
                self._held -= _size(key, before)
            self._answers[key] = answer
            self._held += _size(key, answer)
            while self._held > self._most:
                oldest, dropped = self._answers.popitem(last=False)
                self._held -= _size(oldest, dropped)
            self._metrics.bytes.set(self._held)


class RedisCache:
    """A cache in a Redis that all replicas share; thread-safe."""

    def __init__(
        self,
        client: redis.Redis,
        metrics: CacheMetrics,
        *,
        expires_seconds: int = EXPIRES_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._metrics = metrics
        self._expires = expires_seconds
        self._clock = clock
        self._paused_until = 0.0

    def get(self, key: str) -> bytes | None:
        """Return the stored answer, or None; None also while Redis is unavailable."""
        if self._paused():
            self._metrics.count("error")
            return None
        try:
            answer = cast("bytes | None", self._client.get(_PREFIX + key))
        except redis.RedisError as error:
            self._metrics.count("error")
            self._pause(error)
            return None
        self._metrics.count("miss" if answer is None else "hit")
        return answer

    def put(self, key: str, answer: bytes) -> None:
        """Store an answer until it expires; do nothing while Redis is full or unavailable."""
        if self._paused():
            return
        try:
            self._client.set(_PREFIX + key, answer, ex=self._expires)
        except redis.RedisError as error:
            self._pause(error)

    def _paused(self) -> bool:
        return self._clock() < self._paused_until

    def _pause(self, error: redis.RedisError) -> None:
        self._paused_until = self._clock() + PAUSE_SECONDS
        log.warning("the result cache does not answer; computing results instead: %s", error)


def redis_cache(host: str, port: int, password: str | None, metrics: CacheMetrics) -> RedisCache:
    """Return a cache in the Redis at an address, without connecting yet."""
    return RedisCache(redis_client(host, port, password, answer_seconds=ANSWER_SECONDS), metrics)


def _size(key: str, answer: bytes) -> int:
    return len(key) + len(answer)
