"""Vectors in Redis, so that compare need not ask the store each time, and how both agree on what is current.

Redis never holds the only copy. One random mark, the generation, says what is current: after every change the store
deletes it, and compare makes a new one. A gallery is kept under the generation that it was read at, and under the run
of the Redis server. So whatever was written before a change, before a restart of Redis, or before its data came back
from an old volume is never looked at again. Deleting works in a Redis that is full, too.
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, cast

import redis

from serving.payloads.faces.gallery import Gallery, GalleryError
from serving.role.payload import Address

log = logging.getLogger("slipway.faces")

_GENERATION = "faces:generation"
# Patience with Redis: the store answers in less.
_ANSWER_SECONDS = 0.25
# How long a Redis that failed is not asked again, so that not every request waits for it.
_PAUSE_SECONDS = 1.0
# Old generations leave by themselves.
_EXPIRES_SECONDS = 600


class Cache(Protocol):
    """What is used of Redis."""

    def info(self, section: str) -> Any:  # noqa: ANN401 - as the client declares it
        """Facts about the server."""
        ...

    def get(self, name: str) -> Any:  # noqa: ANN401
        """A value, or None."""
        ...

    def set(self, name: str, value: bytes, ex: int | None = None, *, nx: bool = False) -> Any:  # noqa: ANN401
        """Store a value, for `ex` seconds; with `nx` only where there is none."""
        ...

    def delete(self, name: str) -> Any:  # noqa: ANN401
        """Forget a value."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def connect(address: Address) -> Cache:
    """A client; it connects when it is first used."""
    client = redis.Redis(
        host=address.host,
        port=address.port,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        health_check_interval=0,
    )
    return cast("Cache", client)


class Moment(NamedTuple):
    """What a gallery is current for."""

    run: str
    generation: str

    def key(self, model: str) -> str:
        """Where the gallery of a model is kept."""
        return f"faces:gallery:{model}:{self.run}:{self.generation}"


class Generation:
    """The store's side: says that something changed, and keeps saying it until Redis has heard."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        # The process before this one may have died between a change and the word of it: that counts as one.
        self._changes = 1
        self._heard = 0

    def changed(self) -> None:
        """Make every kept gallery outdated. Never fails: while Redis is away, nobody reads galleries from it."""
        with self._lock:
            self._changes += 1
        try:
            self._tell()
        except redis.RedisError as error:
            log.warning("cache: not told of a change, will be repeated (%s)", error)

    def repeat(self) -> None:
        """Say it again if Redis did not hear it."""
        with suppress(redis.RedisError):
            self._tell()

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _tell(self) -> None:
        # Counted before Redis is told: a change that comes meanwhile is not taken for told.
        with self._lock:
            changes = self._changes
            if changes == self._heard:
                return
        self._cache.delete(_GENERATION)
        with self._lock:
            self._heard = max(self._heard, changes)


class CacheAwayError(RuntimeError):
    """Redis does not answer; the store must be asked instead."""


class HotGallery:
    """Compare's side: the current gallery of a model, from memory, from Redis, or read anew and kept in both."""

    def __init__(self, cache: Cache, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._memory: dict[str, tuple[Moment, Gallery]] = {}

    def current(self, model: str, read: Callable[[], Gallery]) -> tuple[Gallery, str]:
        """The gallery and where it came from: memory, redis or store. `read` asks the store.

        Raises:
            CacheAwayError: Redis cannot say what is current.
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
            self._memory = {model: (moment, gallery)}  # two models alternate only while one replaces the other
        return gallery, source

    def close(self) -> None:
        """Close the connections."""
        self._cache.close()

    def _moment(self) -> Moment:
        if self._clock() < self._away_until:
            raise CacheAwayError("cache: did not answer a moment ago")
        try:
            # The generation is read before the gallery: read later, it could call an older gallery current.
            run = str(self._cache.info("server")["run_id"])
            generation = self._cache.get(_GENERATION)
            if generation is None:  # of several that see this, one makes the mark for all
                self._cache.set(_GENERATION, secrets.token_hex(8).encode(), nx=True)
                generation = self._cache.get(_GENERATION)
            return Moment(run=run, generation=str(generation))
        except redis.RedisError as error:
            self._away_until = self._clock() + _PAUSE_SECONDS
            raise CacheAwayError(f"cache: does not answer ({error})") from error

    def _kept(self, key: str) -> Gallery | None:
        try:
            packed = self._cache.get(key)
            return None if packed is None else Gallery.unpack(packed)
        except (redis.RedisError, GalleryError) as error:
            log.warning("%s: cannot be read, asking the store (%s)", key, error)
            return None

    def _keep(self, key: str, gallery: Gallery) -> None:
        try:
            self._cache.set(key, gallery.pack(), ex=_EXPIRES_SECONDS)
        except redis.RedisError as error:
            log.warning("%s: cannot be kept (%s)", key, error)
