"""Streams of tokens, asked for at a steady rate: whether each one ends completely."""

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.cluster.repeated import repeated
from tests.cluster.traffic import OK, Ingress

PER_SECOND = 10
END = "data: [DONE]"
_AT_ONCE = 16
_SECONDS = 30.0


@dataclass
class Streams:
    """The streams so far."""

    ingress: Ingress
    body: bytes
    ends: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """When each was asked for, and how it ended: complete, truncated, a status, or an error's name."""

    def read(self, client: httpx.Client) -> None:
        """Ask for one stream and read it to its end."""
        began, end = time.time(), ""
        headers = {"Host": self.ingress.host, "Content-Type": "application/json"}
        try:
            with client.stream("POST", self.ingress.url, content=self.body, headers=headers) as answer:
                lines = [line for line in answer.iter_lines() if line]
            end = str(answer.status_code)
            if answer.status_code == OK:
                end = "complete" if lines[-1:] == [END] else "truncated"
        except httpx.HTTPError as error:
            end = type(error).__name__
        self.ends.append((began, end))

    def since(self, begin: float) -> list[str]:
        """Return how the streams ended that were asked for since then."""
        return [end for began, end in list(self.ends) if began >= begin]


@contextmanager
def streaming(ingress: Ingress, body: bytes) -> Generator[Streams]:
    """Ask for streams at a steady rate until the block ends; every stream has then been read to its end."""
    streams = Streams(ingress, body)
    with (
        httpx.Client(timeout=_SECONDS) as client,
        ThreadPoolExecutor(_AT_ONCE) as pool,
        repeated(lambda: pool.submit(streams.read, client), per_second=PER_SECOND),
    ):
        yield streams
