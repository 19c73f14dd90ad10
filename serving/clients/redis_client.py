"""A Redis client with short timeouts and no retries: a Redis that does not answer in time counts as down."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def redis_client(host: str, port: int, password: str | None, *, answer_seconds: float) -> redis.Redis:
    """Return a thread-safe client without connecting yet. Its methods may raise redis.RedisError."""
    return redis.Redis(
        host=host,
        port=port,
        password=password,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
    )
