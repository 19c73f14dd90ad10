"""Raw HTTP for attackers: they have other addresses than other clients, as behind a load balancer that keeps them."""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial

SECONDS = 10.0
ATTACKER = "127.0.0.2"
AT_ONCE = 8
Answers = Counter[str]
Attack = Callable[[int], Answers]
Attacks = Mapping[Attack, set[str]]
"""Attacks, and what may become of their requests: statuses, or words such as `closed`."""


def connect(port: int, source: str = ATTACKER, *, receive: int | None = None) -> socket.socket:
    """Return a connection from an attacker's address; `receive` is its receive buffer in bytes."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.settimeout(SECONDS)
    if receive is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    made.bind((source, 0))
    made.connect(("127.0.0.1", port))
    return made


def head(method: str, path: str, *headers: str) -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


def request(path: str, body: bytes, kind: str = "application/json", *headers: str) -> bytes:
    """Return a POST request."""
    return head("POST", path, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers) + body


def status(connection: socket.socket) -> str:
    """Return the status of the next answer, or what happened instead."""
    try:
        received = b""
        while b"\r\n" not in received:
            chunk = connection.recv(4096)
            if not chunk:
                return "closed"
            received += chunk
        return received.split(b" ", 2)[1].decode()
    except TimeoutError:
        return "no answer"
    except OSError:
        return "closed"


def ask(port: int, data: bytes) -> str:
    """Send one request on a connection of its own and return its status."""
    try:
        with connect(port) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
            return status(connection)
    except OSError:
        return "not connected"


def repeated(port: int, data: bytes, times: int) -> Answers:
    """Send one request several times, some at once."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return Counter(threads.map(partial(ask, port), [data] * times))


def endless(port: int, begin: bytes, piece: bytes, most: int) -> Answers:
    """Send pieces after a beginning, until the server stops taking them or `most` bytes are sent."""
    with connect(port) as connection:
        sent = 0
        with suppress(OSError):
            connection.sendall(begin)
            while sent < most:
                connection.sendall(piece)
                sent += len(piece)
        return Counter([status(connection) if sent < most else "all taken"])


def held(
    port: int,
    sources: Iterable[str],
    begin: bytes,
    seconds: float,
    drip: Callable[[socket.socket], None] = lambda _: None,
) -> Answers:
    """Open a connection from each source, begin a request on it, let it drip every second, and see what happens."""
    found: Answers = Counter()
    with ExitStack() as stack:
        opened: list[socket.socket] = []
        for source in sources:
            try:
                one = stack.enter_context(connect(port, source))
                one.sendall(begin)
                opened.append(one)
            except OSError:
                found["not connected"] += 1
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for one in opened:
                with suppress(OSError):
                    drip(one)
            time.sleep(1)
        for one in opened:
            one.settimeout(0.001)
            said = status(one)
            found["held" if said == "no answer" else said] += 1
    return found
