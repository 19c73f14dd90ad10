"""Queue and time are limited: requests over the limits are refused at once, and the counts stay correct."""

import socket
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from serving.tests.support import PNG, HeldSession, Running, loaded_by, model_with, serve, wait_until

pytestmark = pytest.mark.slow  # real sockets and real waits

Digits = list[tuple[bytes, str]]
Post = Callable[[], "Future[httpx.Response]"]


@pytest.fixture
def session() -> Generator[HeldSession]:
    made = HeldSession()
    yield made
    made.release.set()


def poster(running: Running, clients: ThreadPoolExecutor, digits: Digits) -> Post:
    return lambda: clients.submit(lambda: running.client.post("/predict", content=digits[0][0], headers=PNG))


@contextmanager
def full(session: HeldSession, clients: ThreadPoolExecutor, digits: Digits) -> Generator[Running]:
    """Run a server whose only place is taken; after the block, the request that holds it must be answered."""
    with serve(loaded_by(lambda: model_with(session)), threads=1, queueLimit=0) as running:
        running.wait_ready()
        session.held = True
        slow = poster(running, clients, digits)()
        assert session.entered.acquire(timeout=10)
        yield running
        session.release.set()
        assert slow.result().status_code == 200


def depth(running: Running) -> float:
    return running.metric("inference_queue_depth")


def test_one_more_than_workers_and_queue_is_429_with_retry_after(
    session: HeldSession, clients: ThreadPoolExecutor, digits: Digits
) -> None:
    with serve(loaded_by(lambda: model_with(session)), threads=2, queueLimit=3) as running:
        running.wait_ready()
        session.held = True
        post = poster(running, clients, digits)
        admitted = [post() for _ in range(5)]
        wait_until(lambda: depth(running) == 3, "three requests wait")
        refused = post().result()
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-slipway-slot"] == "blue"
        assert "3 requests wait" in refused.json()["error"]
        session.release.set()
        assert [future.result().status_code for future in admitted] == [200] * 5
        assert depth(running) == 0
        assert post().result().status_code == 200


def test_never_more_requests_run_than_there_are_worker_threads(
    session: HeldSession, clients: ThreadPoolExecutor, digits: Digits
) -> None:
    with serve(loaded_by(lambda: model_with(session)), threads=2) as running:
        running.wait_ready()
        session.held = True
        warm = session.calls
        futures = [poster(running, clients, digits)() for _ in range(6)]
        assert session.entered.acquire(timeout=10)
        assert session.entered.acquire(timeout=10)
        wait_until(lambda: depth(running) == 4, "four requests wait")
        assert not session.entered.acquire(timeout=0.1)
        assert session.calls == warm + 2
        session.release.set()
        assert {future.result().status_code for future in futures} == {200}


def test_probes_are_answered_while_every_worker_is_busy(
    session: HeldSession, clients: ThreadPoolExecutor, digits: Digits
) -> None:
    with full(session, clients, digits) as running:
        assert running.client.get("/health").status_code == 200
        assert running.client.get("/v2/health/live").status_code == 200
        assert b"inference_queue_depth 0.0" in running.client.get("/metrics").content


def test_waiting_too_long_is_503_and_computing_too_long_is_504(
    session: HeldSession, clients: ThreadPoolExecutor, digits: Digits
) -> None:
    with serve(loaded_by(lambda: model_with(session)), threads=1, requestTimeoutSeconds=0.3) as running:
        running.wait_ready()
        session.held = True
        warm = session.calls
        post = poster(running, clients, digits)
        computing = post()
        assert session.entered.acquire(timeout=10)
        waiting = post()
        assert computing.result().status_code == 504
        assert waiting.result().status_code == 503
        assert waiting.result().headers["retry-after"] == "1"
        session.release.set()
        assert post().result().status_code == 200
        assert session.calls == warm + 2, "the request that waited was computed although nobody wanted it any more"


def test_a_computation_that_outlives_its_request_keeps_its_place(
    session: HeldSession, clients: ThreadPoolExecutor, digits: Digits
) -> None:
    with serve(loaded_by(lambda: model_with(session)), threads=1, queueLimit=0, requestTimeoutSeconds=0.3) as running:
        running.wait_ready()
        session.held = True
        post = poster(running, clients, digits)
        assert post().result().status_code == 504
        assert post().result().status_code == 429
        session.release.set()
        wait_until(lambda: post().result().status_code == 200, "the place is free again")


def head(length: int) -> bytes:
    return b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % length


def test_an_upload_that_never_ends_is_408(session: HeldSession) -> None:
    with (
        serve(loaded_by(lambda: model_with(session)), requestTimeoutSeconds=0.3) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection,
    ):
        running.wait_ready()
        connection.sendall(head(1000) + b"half")
        assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_slow_upload_takes_no_place_and_a_client_that_leaves_in_it_is_499(
    session: HeldSession, digits: Digits
) -> None:
    with serve(loaded_by(lambda: model_with(session)), threads=1, queueLimit=0) as running:
        running.wait_ready()
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
            connection.sendall(head(1000) + b"half")
            wait_until(lambda: running.service.lifecycle.in_flight == 1, "the upload has begun")
            assert running.client.post("/predict", content=digits[0][0]).status_code == 200
        wait_until(lambda: running.service.lifecycle.in_flight == 0, "the server noticed")
        assert running.metric("http_requests_total", method="POST", route="/predict", status="499") == 1


def test_a_full_server_refuses_before_it_reads_the_body(
    session: HeldSession, clients: ThreadPoolExecutor, digits: Digits
) -> None:
    with (
        full(session, clients, digits) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection,
    ):
        connection.sendall(head(1000))
        assert connection.recv(4096).startswith(b"HTTP/1.1 429 ")


def test_many_clients_at_once_are_all_answered(ready: Running, clients: ThreadPoolExecutor, digits: Digits) -> None:
    barrier = threading.Barrier(16)

    def ask(index: int) -> bool:
        png, label = digits[index]
        barrier.wait(10)
        answer = ready.client.post("/predict", content=png, headers=PNG)
        return answer.status_code == 200 and answer.json()["predictions"][0]["label"] == label

    assert sum(clients.map(ask, range(16))) >= 15
