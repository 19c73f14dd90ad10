"""Galleries in Redis, so that compare need not query the store for each request, and the rule that keeps them current.

Redis never holds the only copy. A random value, the generation, identifies the current state: the store deletes it
after every change, and compare creates a new one. The key of a stored gallery contains the generation at which it was
read and the run id of the Redis server. A gallery from before a change, before a restart of Redis, or from a restored
old volume is therefore never read again. Deleting the generation also works if Redis is full.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, cast

import redis

from serving.clients.redis_client import redis_client
from serving.payloads.faces.gallery import Gallery, GalleryError
from serving.role.payload import Address

log = logging.getLogger("slipway.faces")

_GENERATION = "faces:generation"
# Timeout of Redis calls in seconds: after that, querying the store is faster.
_ANSWER_SECONDS = 0.25
# Seconds without calls to a Redis that failed, so that not every request waits for it.
_PAUSE_SECONDS = 1.0
# Galleries of old generations expire by themselves.
_EXPIRES_SECONDS = 600


class Cache(Protocol):
    """The methods of the Redis client that are used here."""

    def info(self, section: str) -> Any:  # noqa: ANN401 - as the client declares it
        """Return facts about the server."""
        ...

    def get(self, name: str) -> Any:  # noqa: ANN401
        """Return a value, or None."""
        ...

    def set(self, name: str, value: bytes, ex: int | None = None, *, nx: bool = False) -> Any:  # noqa: ANN401
        """Store a value for `ex` seconds; with `nx` only if the key does not exist."""
        ...

    def delete(self, name: str) -> Any:  # noqa: ANN401
        """Delete a value."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def connect(address: Address) -> Cache:
    """Return a client that connects on first use."""
    return cast("Cache", redis_client(address.host, address.port, None, answer_seconds=_ANSWER_SECONDS))


class Moment(NamedTuple):
    """The state for which a gallery is current."""

    run: str
    generation: str

    def key(self, model: str) -> str:
        """Return the key of a model's gallery."""
        return f"faces:gallery:{model}:{self.run}:{self.generation}"


class Generation:
    """The store's side: invalidates galleries after a change, and retries until Redis has confirmed it."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        # The previous process may have died between a change and its notification, so start with one pending change.
        self._changes = 1
        self._heard = 0

    def changed(self) -> None:
        """Invalidate every stored gallery. Never raises: while Redis is down, nobody reads galleries from it."""
        with self._lock:
            self._changes += 1
        try:
            self._tell()
        except redis.RedisError as error:
            log.warning("cache: a change was not written and will be retried (%s)", error)

    def repeat(self) -> None:
        """Notify Redis again of changes that it has not confirmed."""
        with suppress(redis.RedisError):
            self._tell()

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _tell(self) -> None:
        # Read the count before the call to Redis, so that a change during the call is not counted as confirmed.
        with self._lock:
            changes = self._changes
            if changes == self._heard:
                return
        self._cache.delete(_GENERATION)
        with self._lock:
            self._heard = max(self._heard, changes)


class CacheAwayError(RuntimeError):
    """Redis does not answer; the store must be queried instead."""


class CachedGalleries:
    """Compare's side: returns the current gallery of a model from memory, Redis or the store, and keeps it."""

    def __init__(self, cache: Cache, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._memory: dict[str, tuple[Moment, Gallery]] = {}

    def current(self, model: str, read: Callable[[], Gallery]) -> tuple[Gallery, str]:
        """Return the gallery and its source: memory, redis or store. `read` queries the store.

        Raises:
            CacheAwayError: Redis cannot tell which gallery is current.
        """
        moment = self._moment()
        with self._lock:
            kept = self._memory.get(model)
        if kept is not None and kept[0] == moment:
            return kept[1], "memory"
        gallery, source = self._kept(moment.key(model)), "redis"
        if gallery is None:
            gallery, source = read(), "store"
            self._keep(moment.key(model), gallery)
        with self._lock:
            self._memory = {model: (moment, gallery)}  # requests of two models mix only during a release
        return gallery, source

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _moment(self) -> Moment:
        if self._clock() < self._away_until:
            raise CacheAwayError("cache: did not answer the last request")
        try:
            # Read the generation before the gallery: in the other order, an older gallery could count as current.
            run = str(self._cache.info("server")["run_id"])
            generation = self._cache.get(_GENERATION)
            if generation is None:  # if several processes get here, one creates it for all
                new = secrets.token_hex(8).encode()
                self._cache.set(_GENERATION, new, nx=True)
                # The store may have deleted the generation again: `new` is then current for this request only.
                generation = self._cache.get(_GENERATION) or new
            return Moment(run=run, generation=str(generation))
        except redis.RedisError as error:
            self._away_until = self._clock() + _PAUSE_SECONDS
            raise CacheAwayError(f"cache: does not answer ({error})") from error

    def _kept(self, key: str) -> Gallery | None:
        try:
            packed = self._cache.get(key)
            return None if packed is None else Gallery.unpack(packed)
        except (redis.RedisError, GalleryError) as error:
            log.warning("%s: cannot be read, reading from the store (%s)", key, error)
            return None

    def _keep(self, key: str, gallery: Gallery) -> None:
        try:
            self._cache.set(key, gallery.pack(), ex=_EXPIRES_SECONDS)
        except redis.RedisError as error:
            log.warning("%s: cannot be stored (%s)", key, error)
