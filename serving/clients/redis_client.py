"""A Redis that answers in time or is taken for away: nobody waits for it, and nothing is asked twice."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def redis_client(host: str, port: int, password: str | None, *, answer_seconds: float) -> redis.Redis:
    """Return a thread-safe client; nothing is connected yet. Its calls may raise redis.RedisError."""
    return redis.Redis(
        host=host,
        port=port,
        password=password,
        socket_timeout=answer_seconds,
        socket_connect_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
    )
