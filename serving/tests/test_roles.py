"""Which role a process serves: named exactly, found without importing the others, and closed at the end."""

import asyncio
import threading
from collections.abc import Generator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from serving.__main__ import main
from serving.http.uploads import read_body
from serving.role.payload import Context, Payload
from serving.role.service import Service
from serving.roles import UnknownRoleError, known_roles, load_role
from serving.tests.support import Running, serve, wait_until


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["digit"], "role 'digit': unknown role; did you mean digits?"),
        (["zzz"], "role 'zzz': unknown role; known roles: "),
        (["digits.model"], "role 'digits.model': unknown role"),
        (["..digits"], "role '..digits': unknown role"),
        ([], "set one role: python -m serving <role>; known roles: "),
        (["digits", "generic"], "set one role"),
    ],
)
def test_a_role_that_does_not_exist_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert (written.out, written.err.count("\n")) == ("", 1)
    assert f"serving: {said}" in written.err


def test_every_known_role_is_a_payload() -> None:
    roles = known_roles()
    assert {"digits", "generic"} <= set(roles)
    for name in roles:
        assert isinstance(load_role(name), Payload), name


def test_a_module_that_declares_no_payload_is_no_role() -> None:
    with pytest.raises(UnknownRoleError, match="did you mean"):
        load_role("digits.train")


class Gate:
    """A job on the event loop that the test holds."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.closed = False


@pytest.fixture
def gate() -> Generator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def gate_role(gate: Gate) -> Payload[Gate]:
    def load(_: Context) -> Gate:
        return gate

    async def passing(gate: Gate, _: bytes) -> str:
        gate.entered.release()
        while not gate.open.is_set():  # noqa: ASYNC110 - an event of another thread
            await asyncio.sleep(0.005)
        return "passed"

    def routes(service: Service[Gate]) -> list[Route]:
        async def through(request: Request) -> Response:
            return PlainTextResponse(await service.orchestrate(lambda: read_body(request), passing))

        return [Route("/through", through, methods=["POST"])]

    async def close(gate: Gate) -> None:
        gate.closed = True

    return Payload(load=load, routes=routes, close=close)


def in_background(running: Running) -> "tuple[threading.Thread, list[Any]]":
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(running.client.post("/through")))
    thread.start()
    return thread, answers


def test_jobs_that_only_wait_hold_no_worker_thread_but_a_place(gate: Gate) -> None:
    with serve(gate_role(gate), threads=1, queueLimit=1) as running:
        running.wait_ready()
        asked = [in_background(running) for _ in range(2)]
        for _ in asked:
            assert gate.entered.acquire(timeout=10)
        assert running.metric("inference_queue_depth") == 0
        assert running.client.post("/through").status_code == 429
        gate.open.set()
        for thread, answers in asked:
            thread.join(10)
            assert answers[0].text == "passed"
        assert running.client.post("/through").status_code == 200


def test_a_job_that_waits_too_long_is_504_and_frees_its_place(gate: Gate) -> None:
    with serve(gate_role(gate), threads=1, queueLimit=0, requestTimeoutSeconds=0.2) as running:
        running.wait_ready()
        assert running.client.post("/through").status_code == 504
        gate.open.set()
        assert running.client.post("/through").status_code == 200


def test_the_resources_of_a_role_are_closed_at_the_end(gate: Gate) -> None:
    with serve(gate_role(gate)) as running:
        running.wait_ready()
        assert not gate.closed
    assert gate.closed


def test_a_resource_that_cannot_be_closed_does_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.role.role.CLOSE_SECONDS", 0.05)
    held = threading.Event()

    def close(_: object) -> None:
        held.wait(10)

    payload = Payload(load=lambda _: "model", routes=lambda _: [], close=close)
    try:
        with serve(payload) as running:
            running.wait_ready()
        assert running.service.lifecycle.in_flight == 0
    finally:
        held.set()


def test_a_role_without_a_model_has_no_model_routes_and_is_ready(gate: Gate) -> None:
    with serve(gate_role(gate)) as running:
        wait_until(lambda: running.client.get("/healthz").status_code == 200, "the role is ready")
        assert running.client.get("/v2/health/ready").json() == {"ready": True}
        assert running.client.get("/v2/models/model").status_code == 404
