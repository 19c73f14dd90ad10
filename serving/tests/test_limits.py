"""Limits of a connection before admission (size, number, time) and on its answers afterwards."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from serving.http.connections import Limits
from serving.http.protocol import READ_BYTES
from serving.http.uploads import read_body
from serving.role.payload import Payload
from serving.role.service import Service
from serving.tests.support import PATIENCE_SECONDS, Running, serve, wait_until

pytestmark = pytest.mark.slow  # real sockets and real waits

SMALL = Limits(
    head=2000, url=500, headers=10, head_seconds=0.3, send_seconds=0.5, linger_seconds=0.5, linger_bytes=1 << 20,
    pipelined=3, connections=8, per_client=5, uploads=1 << 20, unsent=1 << 20,
)  # fmt: skip
CHUNKED = b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
OTHER = "127.0.0.2"


def routes(service: Service[None]) -> list[Route]:
    async def length(request: Request) -> Response:
        body = await service.compute(lambda: read_body(request), lambda _, body: body)
        return PlainTextResponse(str(len(body)))

    async def large(_: Request) -> Response:
        return Response(bytes(20 << 20))

    async def slow(_: Request) -> Response:
        await asyncio.sleep(0.2)
        return PlainTextResponse("x")

    return [Route("/length", length, methods=["POST"]), Route("/large", large), Route("/slow", slow)]


PAYLOAD = Payload(load=lambda _: None, routes=routes)


@contextmanager
def limited(**changes: Any) -> Generator[Running]:
    with serve(PAYLOAD, limits=replace(SMALL, **changes), queueLimit=100) as running:
        running.wait_ready()
        running.client.close()  # its connection would count
        yield running


@pytest.fixture(scope="module")
def running() -> Generator[Running]:
    with limited() as started:
        yield started


def connect(running: Running, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), PATIENCE_SECONDS, (source, 0))


def post(length: int) -> bytes:
    return b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def read(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection, or resets it after its answer."""
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def said(running: Running, data: bytes) -> bytes:
    with connect(running) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        return read(connection)


GET = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n"


def lives(connection: socket.socket) -> bool:
    """Whether a request on it is answered."""
    connection.sendall(GET + b"\r\n")
    return until(b"}", connection).startswith(b"HTTP/1.1 200 ")


def until(end: bytes, connection: socket.socket) -> bytes:
    """An answer that ends so, or what came before the server closed the connection."""
    received = b""
    while not received.endswith(end) and (chunk := connection.recv(4096)):
        received += chunk
    return received


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"GET /" + b"a" * 500 + b" HTTP/1.1\r\n\r\n", 414, "the URL is longer than 500 bytes"),
        (b"GET /" + b"a" * 100_000, 414, "the URL is longer"),
        (GET + b"X: " + b"a" * 2000 + b"\r\n\r\n", 431, "the head is larger than 2000 bytes"),
        (GET + b"X: " + b"a" * 100_000, 431, "the head is larger"),
        (GET + b"".join(b"X%d: a\r\n" % n for n in range(10)) + b"\r\n", 431, "more than 10 headers"),
        (CHUNKED + b"1;" + b"e" * 9000, 400, "chunk sizes, extensions and trailers are larger than the body"),
        (CHUNKED + b"1;eeeeee\r\na\r\n" * 1000, 400, "chunk sizes, extensions"),
        (CHUNKED + b"1\r\na\r\n0\r\nT: " + b"t" * 9000, 400, "chunk sizes, extensions"),
        (CHUNKED + b"1\r\na\r\n0\r\n" + b"T: t\r\n" * 100, 431, "more than 10 headers"),
        (b"\x16\x03\x01\x02\x00", 400, "this is not HTTP/1.1"),
        (post(4)[:-2] + b"Transfer-Encoding: chunked\r\n\r\n", 400, "this is not HTTP/1.1"),
        (b"\r\n" * 5000, 400, "chunk sizes"),
    ],
)
def test_a_head_or_a_body_s_frame_beyond_its_limit_is_refused_in_one_line(
    running: Running, data: bytes, status: int, reason: str
) -> None:
    before = running.metric("http_requests_refused_total", status=str(status))
    answer = said(running, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert reason in json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert running.metric("http_requests_refused_total", status=str(status)) == before + 1


def test_a_head_that_begins_before_the_last_answer_has_its_time_too(running: Running) -> None:
    with connect(running) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.05)
        connection.sendall(GET)
        assert b"HTTP/1.1 408 " in read(connection)


def test_what_is_within_the_limits_is_answered(running: Running) -> None:
    longest = b"GET /v2/health/live?" + b"q" * 480 + b" HTTP/1.1\r\nConnection: close\r\n"
    assert said(running, longest + b"X: " + b"a" * 1400 + b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    chunks = b"5;ext=1\r\n12345\r\n" * 800 + b"0\r\nTrailer: t\r\n\r\n"
    assert b"\r\n4000" in said(running, CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + chunks)


def test_a_head_that_is_not_complete_in_time_is_408_and_a_silent_connection_is_kept(running: Running) -> None:
    with connect(running) as silent:
        assert said(running, GET).startswith(b"HTTP/1.1 408 ")
        assert lives(silent)
        silent.sendall(GET)  # the next head has its own time
        assert silent.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_head_in_time_starts_no_clock_for_the_body(running: Running) -> None:
    with connect(running) as connection:
        connection.sendall(post(2) + b"a")
        time.sleep(1.5 * SMALL.head_seconds)
        connection.sendall(b"b")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_more_pipelined_requests_than_allowed_close_the_connection(running: Running) -> None:
    assert said(running, (GET + b"\r\n") * 3 + GET + b"Connection: close\r\n\r\n").count(b"HTTP/1.1 200 ") == 4
    assert said(running, (GET + b"\r\n") * 200).count(b"HTTP/1.1 200 ") <= 4


def test_a_body_that_nobody_reads_is_taken_for_a_while_so_that_the_client_sees_its_answer(running: Running) -> None:
    begin = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n"
    with connect(running) as connection:
        connection.sendall(begin + bytes(500_000))
        assert until(b'"}', connection).startswith(b"HTTP/1.1 404 ")
        assert lives(connection)  # all of the body has arrived: the connection serves on
    with connect(running) as connection:
        connection.sendall(begin)
        assert read(connection).startswith(b"HTTP/1.1 404 ")  # closed after linger_seconds
    endless = b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 500000000\r\n\r\n"
    with connect(running) as connection, pytest.raises(OSError, match=r"reset|pipe"):
        connection.sendall(endless + bytes(100_000_000))


def until_closed(connection: socket.socket) -> Callable[[], bool]:
    connection.settimeout(0.01)

    def closed() -> bool:
        try:
            return connection.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    return closed


def test_at_a_client_s_limit_its_longest_waiting_connection_goes() -> None:
    with limited(head_seconds=60) as running, ExitStack() as stack:
        opened = [stack.enter_context(connect(running)) for _ in range(SMALL.per_client)]
        assert all(lives(one) for one in opened[1:])  # the server has accepted all of them
        assert lives(opened[0])  # it waits since now: the second one waits longest
        assert lives(stack.enter_context(connect(running)))
        wait_until(until_closed(opened[1]), "the longest waiting connection is closed")
        assert lives(opened[0])


def test_at_the_limit_of_all_clients_the_one_with_most_connections_loses_one() -> None:
    with limited(head_seconds=60) as running, ExitStack() as stack:
        many = [stack.enter_context(connect(running, OTHER)) for _ in range(5)]
        few = [stack.enter_context(connect(running)) for _ in range(3)]
        assert lives(stack.enter_context(connect(running)))
        wait_until(until_closed(many[0]), "the other client's connection is closed")
        assert all(lives(kept) for kept in few)


def test_over_the_memory_of_uploads_the_largest_unfinished_one_is_refused() -> None:
    with limited(uploads=100_000) as running, ExitStack() as stack:
        large, small = (stack.enter_context(connect(running)) for _ in range(2))
        large.sendall(post(80_000) + bytes(70_000))
        small.sendall(post(50_000) + bytes(10_000))
        wait_until(lambda: running.service.lifecycle.in_flight == 2, "both uploads have begun")
        small.sendall(bytes(40_000))
        assert large.recv(4096).startswith(b"HTTP/1.1 503 ")
        assert small.recv(4096).startswith(b"HTTP/1.1 200 ")
        third = stack.enter_context(connect(running))
        third.sendall(post(90_000) + bytes(90_000))  # the memory of both is free again
        assert third.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_is_not_taken_in_time_ends_the_connection() -> None:
    with limited(unsent=100 << 20) as running, connect(running) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(2 * SMALL.send_seconds)
        assert len(read(connection)) < 20 << 20


def test_a_head_that_begins_while_an_answer_is_not_taken_has_its_own_time() -> None:
    with limited(unsent=100 << 20, send_seconds=PATIENCE_SECONDS) as running, connect(running) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(SMALL.head_seconds)  # the answer waits for the client
        connection.sendall(GET)
        connection.settimeout(PATIENCE_SECONDS / 2)
        assert len(read(connection)) > 0, "the server closes the connection"


def test_a_client_that_takes_its_answer_gets_all_of_it() -> None:
    with limited(unsent=100 << 20, send_seconds=PATIENCE_SECONDS) as running:
        answer = said(running, b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert len(answer) > 20 << 20


def test_one_turn_of_the_loop_reads_little_of_each_upload() -> None:
    sizes: list[int] = []

    async def parts(request: Request) -> Response:
        sizes.extend([len(part) async for part in request.stream()])
        return PlainTextResponse("read")

    payload = Payload[None](load=lambda _: None, routes=lambda _: [Route("/parts", parts, methods=["POST"])])
    with serve(payload) as running:
        running.wait_ready()
        assert running.client.post("/parts", content=bytes(4 << 20)).text == "read"
    assert sum(sizes) == 4 << 20
    # uvicorn stops reading once 64 KiB wait, and may have got one more piece by then.
    assert max(sizes) <= 64 * 1024 + READ_BYTES
