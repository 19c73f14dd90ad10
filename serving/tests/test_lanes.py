"""Large requests have their own lane: small ones neither wait behind them nor find the queue full of them."""

import asyncio
import ctypes
import json
import socket
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from serving import pictures
from serving.http import json_body
from serving.http.json_body import MOST_VALUES
from serving.http.tensor_requests import MOST_OTHER_VALUES, MOST_ROWS, most_values
from serving.models.tensors import DYNAMIC, Tensor
from serving.role.payload import Payload
from serving.role.service import Service
from serving.tests.support import PATIENCE_SECONDS, Held, HeldSession, Running, in_lane, model_with, serve, wait_until
from serving.tests.test_pictures import encoded, stroke
from serving.work.lanes import GIVE_WAY_SECONDS, LargeJob, giving_way, require_large_lane

INFER = "/v2/models/digits/infer"


def role_with(held: Held) -> Payload[None]:
    """Return a role whose large jobs the test holds."""

    def job(large: bool) -> str:
        if large:
            require_large_lane()
            held.wait()
        return "done"

    def routes(service: Service[None]) -> list[Route]:
        async def read(request: Request) -> bool:
            return request.url.path == "/large"

        async def answer(request: Request) -> Response:
            return PlainTextResponse(await service.compute(lambda: read(request), lambda _, large: job(large)))

        return [Route("/large", answer), Route("/small", answer)]

    return Payload(load=lambda _: None, routes=routes)


@pytest.fixture
def held() -> Generator[Held]:
    made = Held()
    yield made
    made.release.set()


def asked(running: Running, clients: ThreadPoolExecutor, count: int) -> "list[Future[httpx.Response]]":
    return [clients.submit(running.client.get, "/large") for _ in range(count)]


@pytest.mark.slow
def test_small_requests_are_answered_while_large_ones_hold_their_threads_and_wait(
    held: Held, clients: ThreadPoolExecutor
) -> None:
    with serve(role_with(held), threads=1, queueLimit=9) as running:
        running.wait_ready()
        large = asked(running, clients, 3)
        assert held.entered.acquire(timeout=10)
        wait_until(lambda: running.metric("inference_queue_depth") == 2, "two large requests wait")
        assert [running.client.get("/small").status_code for _ in range(3)] == [200] * 3
        held.release.set()
        assert [one.result().text for one in large] == ["done"] * 3


@pytest.mark.slow
def test_large_requests_take_half_of_the_places_and_give_them_back(held: Held, clients: ThreadPoolExecutor) -> None:
    with serve(role_with(held), threads=1, queueLimit=3, requestTimeoutSeconds=4) as running:
        running.wait_ready()
        large = asked(running, clients, 2)
        assert held.entered.acquire(timeout=10)
        wait_until(lambda: running.service.admission.large == 2, "both are in the lane of large ones")
        assert running.client.get("/large").status_code == 429
        assert running.client.get("/small").status_code == 200
        assert sorted(one.result().status_code for one in large) == [503, 504]
        held.release.set()
        wait_until(lambda: running.service.admission.large == 0, "the large job has ended")
        assert [one.result().status_code for one in asked(running, clients, 2)] == [200] * 2


def test_a_picture_of_many_pixels_is_decoded_in_the_lane_of_large_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "SMALL_PIXELS", 32 * 32)
    assert in_lane(lambda: pictures.decode(encoded(stroke(32))).size, large=False) == (32, 32)
    with pytest.raises(LargeJob):
        in_lane(lambda: pictures.decode(encoded(stroke(33))), large=False)
    assert in_lane(lambda: pictures.decode(encoded(stroke(33))).size, large=True) == (33, 33)
    assert pictures.decode(encoded(stroke(33))).size == (33, 33), "training has no lanes"
    with pytest.raises(LargeJob):  # a draft takes as long if the file is progressive
        in_lane(lambda: pictures.decode(encoded(stroke(64), "JPEG", progressive=True), enough=8), large=False)


def test_a_large_json_body_is_read_in_the_lane_of_large_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_body, "SMALL_BODY", 10)
    in_lane(lambda: json_body.require_lane_for(bytes(10)), large=False)
    with pytest.raises(LargeJob):
        in_lane(lambda: json_body.require_lane_for(bytes(11)), large=False)
    in_lane(lambda: json_body.require_lane_for(bytes(11)), large=True)


def test_a_large_body_is_joined_where_it_is_parsed() -> None:
    arriving = iter(
        [{"type": "http.request", "body": b'{"a":', "more_body": True}, {"type": "http.request", "body": b"1}"}]
    )

    async def receive() -> Any:
        return next(arriving)

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    parts = asyncio.run(json_body.read_json(request, 10))
    assert parts[:2] == [b'{"a":', b"1}"]
    assert json_body.document(parts) == json_body.document(b'{"a":1}') == {"a": 1}


def test_while_large_jobs_run_threads_give_way_more_often() -> None:
    before = sys.getswitchinterval()
    with giving_way():
        with giving_way():
            pass
        assert sys.getswitchinterval() == pytest.approx(GIVE_WAY_SECONDS)
    assert sys.getswitchinterval() == before


def test_a_request_may_have_as_many_values_as_its_model_takes() -> None:
    def limit(*tensors: Tensor) -> int:
        return most_values(replace(model_with(HeldSession()).onnx, inputs=tensors))

    assert limit(Tensor("a", "FP32", (DYNAMIC, 64))) == MOST_ROWS * 64 + MOST_OTHER_VALUES
    assert limit(Tensor("a", "FP32", (3, 4)), Tensor("b", "FP32", (2,))) == 14 + MOST_OTHER_VALUES
    assert limit(Tensor("a", "FP32", (DYNAMIC, DYNAMIC))) == MOST_VALUES
    assert limit(Tensor("a", "BYTES", (1,))) == MOST_VALUES
    assert limit(Tensor("a", "FP32", (DYNAMIC, 3, 640, 640))) == MOST_VALUES
    assert limit(*model_with(HeldSession()).onnx.inputs) == MOST_ROWS * 64 + MOST_OTHER_VALUES


def tensor(count: int, shape: list[int]) -> bytes:
    one = {"name": "pixels", "shape": shape, "datatype": "FP32", "data": [0.25] * count}
    return json.dumps({"inputs": [one]}, separators=(",", ":")).encode()


@pytest.mark.slow
def test_the_largest_request_is_answered_and_one_with_more_values_is_refused_before_it_has_arrived(
    ready: Running,
) -> None:
    assert ready.client.post(INFER, content=tensor(64 * MOST_ROWS, [MOST_ROWS, 64])).status_code == 200
    body = tensor(100_000, [1, 64])
    head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {10 * len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", ready.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head + body)
        said = b""
        while b"}" not in said and (part := connection.recv(4096)):
            said += part
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"the limit is 75536; send several smaller requests" in said


KEEPS_NO_LARGE_BLOCK = """
import asyncio
import ctypes
from serving.allocator import give_large_blocks_back
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "o", "s", "hblks", "hblkhd", "us", "fs", "u", "f", "k")]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
give_large_blocks_back()
one = bytes(5 << 20)
del one  # without the setting, glibc takes the next block of this size from the heap
before = libc.mallinfo2().hblkhd
other = bytes(5 << 20)
print(libc.mallinfo2().hblkhd - before >= 5 << 20)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc has this allocator")
def test_a_large_block_is_mapped_by_itself_also_after_another_one_was_freed() -> None:
    done = subprocess.run([sys.executable, "-c", KEEPS_NO_LARGE_BLOCK], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
