"""A load in a process of its own: ``python -m tests.cluster.load`` sends, `seen.running` starts it and reads along.

The load is open: each request has its time, however slow the answers are, and none is sent twice. One process with one
parser in C takes about 5 % of a core at 200 requests/s; httpx and aiohttp take a multiple, and the cluster under test
has the same cores.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import httptools

from sizing.arrivals import Course

CONNECTIONS = 600
"""Maximum number of connections: 200 requests/s that each take 3 s. In normal operation there are at most ten."""
TIMEOUT = 10.0
"""Seconds for one request: longer than any answer here, shorter than a hang."""
PAUSE, RESUME = signal.SIGUSR1, signal.SIGUSR2
"""Signals that pause and resume the load; requests already sent are still answered."""
_FLUSH_SECONDS = 0.05
_COLUMNS = ("x-slipway-slot", "x-slipway-version", "x-slipway-config")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The target, the content, the rate and the maximum length of a load."""

    url: str
    host: str
    body: str
    """File with the body of each request."""
    content_type: str
    course: tuple[tuple[float, float], ...]
    """Requests per second over time, as `sizing.arrivals.Course` has them."""
    seconds: float
    clients: int
    """Number of clients that keep cookies and send one request at a time; 0 = no cookies."""
    seed: int | None = None
    """Seed of Poisson arrivals; None = evenly spaced."""
    keep: bool = True
    """Whether connections are kept; otherwise each request opens one, which may lead to another pod."""

    def due(self) -> Iterator[float]:
        """Return the second of each request."""
        course = Course(tuple((second, rate) for second, rate in self.course))  # pairs were lists in JSON
        chance, at = random.Random(self.seed), 0.0  # noqa: S311 -- to be drawn again
        while at < self.seconds:
            yield at
            rate = course.at(at)
            at += 1 / rate if self.seed is None else chance.expovariate(rate)


@dataclass
class Client:
    """One user's browser with its cookies."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict[str, str])
    busy: bool = False

    def told(self, cookie: str) -> None:
        """Store a ``Set-Cookie``; its attributes do not matter in so short a time."""
        name, _, value = cookie.partition(";")[0].partition("=")
        self.cookies[name.strip()] = value

    @property
    def header(self) -> bytes:
        """The ``Cookie`` header line; empty without cookies."""
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return f"Cookie: {pairs}\r\n".encode() if pairs else b""


class Connection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    def __init__(self, sender: "Sender") -> None:
        self._sender = sender
        self._transport: asyncio.Transport | None = None
        self._client: Client | None = None
        self._timeout: asyncio.TimerHandle | None = None
        self._sent = 0.0
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._found = dict.fromkeys(_COLUMNS, "")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def send(self, request: bytes, client: Client | None, sent: float) -> None:
        """Send one request; its answer goes to the sender."""
        assert self._transport is not None
        self._client, self._sent = client, sent
        self._timeout = asyncio.get_running_loop().call_later(TIMEOUT, self._late)
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._end("no HTTP", keep=False)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Record the headers that identify the version, and cookies."""
        key = name.decode().lower()
        if key in self._found:
            self._found[key] = value.decode()
        elif key == "set-cookie" and self._client:
            self._client.told(value.decode())

    def on_message_complete(self) -> None:
        """Record the complete answer."""
        self._end(str(self._parser.get_status_code()), keep=self._parser.should_keep_alive())

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(type(exc).__name__ if exc else "closed", keep=False)

    def _late(self) -> None:
        self._end("timeout", keep=False)

    def _end(self, status: str, *, keep: bool) -> None:
        """Report how the current request ended, if there is one: an idle connection loses none."""
        assert self._transport is not None
        if self._timeout:
            self._timeout.cancel()
            self._timeout = None
            self._sender.answered(self._sent, status, tuple(self._found.values()), self._client)
        self._begin()
        if keep:
            self._sender.idle.append(self)
            return
        with contextlib.suppress(ValueError):
            self._sender.idle.remove(self)
        self._sender.lost(self)
        self._transport.abort()


class Sender:
    """Sends requests on time, and writes one line per answer."""

    def __init__(self, plan: Plan, out: TextIO) -> None:
        place = urlsplit(plan.url)
        body = Path(plan.body).read_bytes()
        self._plan, self._out = plan, out
        self._address = (place.hostname or "", place.port or 80)
        self._head = (
            f"POST {place.path or '/'} HTTP/1.1\r\nHost: {plan.host}\r\nContent-Type: {plan.content_type}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {'keep-alive' if plan.keep else 'close'}\r\n"
        ).encode()
        self._tail = b"\r\n" + body
        self.idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._clients = deque(Client(f"client-{number}") for number in range(plan.clients))
        self._pending = 0
        self._stop, self._flows = asyncio.Event(), asyncio.Event()
        self._flows.set()
        self._lag = 0.0

    async def run(self) -> None:
        """Send all requests on time, or until a signal stops the load; wait for the last answer."""
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, self._end)
        loop.add_signal_handler(PAUSE, self._flows.clear)
        loop.add_signal_handler(RESUME, self._flows.set)
        flushing = asyncio.create_task(self._flush())
        began = loop.time()
        for offset in self._plan.due():
            if not self._flows.is_set():
                await self._flows.wait()
                began = loop.time() - offset
            if (early := began + offset - loop.time()) > 0:
                await asyncio.sleep(early)
            if self._stop.is_set():
                break
            self._lag = max(self._lag, loop.time() - began - offset)
            self._send()
        end = loop.time() + TIMEOUT
        while self._pending and loop.time() < end:  # noqa: ASYNC110 -- once, at the end
            await asyncio.sleep(_FLUSH_SECONDS)
        flushing.cancel()
        self._out.write(f"# cpu={time.process_time():.3f} lag={self._lag:.3f}\n")

    def _end(self) -> None:
        self._stop.set()
        self._flows.set()

    def _send(self) -> None:
        client = None
        if self._clients:
            client = next((one for one in self._clients if not one.busy), None)
            if client is None:
                self._write(time.time(), "unsent")
                return
            client.busy = True
            self._clients.rotate(-1)
        request = self._head + (client.header if client else b"") + self._tail
        self._pending += 1
        if self.idle:
            self.idle.popleft().send(request, client, time.time())
        elif len(self._open) + len(self._opening) < CONNECTIONS:
            task = asyncio.create_task(self._connect(request, client, time.time()))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self.answered(time.time(), "unsent", ("",) * len(_COLUMNS), client)

    async def _connect(self, request: bytes, client: Client | None, sent: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(lambda: Connection(self), *self._address)
        except OSError as failure:
            self.answered(sent, type(failure).__name__, ("",) * len(_COLUMNS), client)
            return
        self._open.add(connection)
        connection.send(request, client, sent)

    def answered(self, sent: float, status: str, columns: tuple[str, ...], client: Client | None) -> None:
        """Write how a request ended."""
        self._pending -= 1
        if client:
            client.busy = False
        self._write(sent, status, *columns, client.name if client else "")

    def lost(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.discard(connection)

    def _write(self, sent: float, status: str, *columns: str) -> None:
        self._out.write("\t".join((f"{sent:.4f}", f"{time.time():.4f}", status, *columns)) + "\n")

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self._out.flush()


def main(plan: str, out: str) -> None:
    """Send a plan (a `Plan` as JSON), and write the answers to a file."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)  # the parent may be nice; users do not wait for that
    with Path(out).open("w") as file:
        asyncio.run(Sender(Plan(**json.loads(plan)), file).run())


if __name__ == "__main__":
    main(*sys.argv[1:])
