"""The real process: start, drain on SIGTERM, exit codes. Nothing is lost and nothing hangs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.tests.support import PATIENCE_SECONDS, PNG, free_port, log_lines, wait_until

pytestmark = pytest.mark.slow

Digits = list[tuple[bytes, str]]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    port: int
    client: httpx.Client

    def status(self, path: str) -> int:
        with suppress(httpx.TransportError):
            return self.client.get(path).status_code
        return 0

    def output(self) -> str:
        assert self.process.stdout
        return self.process.stdout.read()

    def sigterm(self) -> float:
        """Send the signal, wait until the server knows, and return when it was sent."""
        sent = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        wait_until(lambda: self.status("/health") == 503, "the server drains")
        return sent

    def upload(self, digit: bytes, begun: Callable[[], bool] | None = None) -> tuple[socket.socket, bytes]:
        """Begin a request and keep half of its body back: as slow as the test wants."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {len(digit)}\r\n\r\n"
        half = len(digit) // 2
        connection.sendall(head.encode() + digit[:half])
        # The request for the metrics is in flight too.
        seen = begun or (lambda: "http_requests_in_flight 2.0" in self.client.get("/metrics").text)
        wait_until(seen, "the upload has begun")
        return connection, digit[half:]


@contextmanager
def started(tmp_path: Path, management: int | None = None, **settings: Any) -> Generator[Server]:
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "serving", "digits"],
        cwd=ROOT,
        env={
            **os.environ,
            "PORT": str(port),
            "SLIPWAY_SETTINGS": str(tmp_path / "settings.json"),
            "SLIPWAY_SLOT": "green",
            "SLIPWAY_VERSION": "sha256:4567",
            **({"SLIPWAY_MANAGEMENT_PORT": str(management)} if management else {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=PATIENCE_SECONDS) as client:
            server = Server(process, port, client)
            wait_until(
                lambda: server.status("/v2/health/live") == 200 or process.poll() is not None, "the process listens"
            )
            assert process.poll() is None
            yield server
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


Start = Callable[..., Any]


@pytest.fixture
def start(tmp_path: Path, model_folder: Path) -> Start:
    @contextmanager
    def ready(management: int | None = None, **settings: Any) -> Generator[Server]:
        with started(tmp_path, management, modelPath=str(model_folder), **settings) as server:
            wait_until(lambda: server.status("/health") == 200, "the process is ready")
            yield server

    return ready


def answer(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_a_request_in_flight_at_sigterm_is_answered_and_new_ones_too_while_readiness_is_false(
    start: Start, digits: Digits
) -> None:
    png, label = digits[0]
    with start(drainSeconds=8) as server:
        connection, rest = server.upload(png)
        sent = server.sigterm()
        assert server.status("/v2/health/ready") == 503
        assert server.status("/v2/health/live") == 200
        assert server.client.get("/health").json()["status"] == "draining"
        late = server.client.post("/predict", content=digits[1][0], headers=PNG)
        assert (late.status_code, late.headers["connection"]) == (200, "close")
        with connection:
            connection.sendall(rest)
            received = answer(connection)
        assert received.startswith(b"HTTP/1.1 200 ")
        assert b"\r\nconnection: close\r\n" in received.lower()
        assert json.loads(received.split(b"\r\n\r\n")[1])["predictions"][0]["label"] == label
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - sent < 8
        logged = log_lines(server.output())
        assert [line["message"] for line in logged if line["logger"] == "slipway.lifecycle"] == ["draining"]
        accesses = [line for line in logged if line["logger"] == "slipway.access"]
        assert [(line["status"], line["slot"], line["version"]) for line in accesses] == [
            (200, "green", "sha256:4567")
        ] * 2


def test_a_draining_process_is_scraped_until_its_last_request_is_answered(start: Start, digits: Digits) -> None:
    management = free_port()
    address = f"http://127.0.0.1:{management}"
    with start(management, drainSeconds=8) as server, httpx.Client(base_url=address, trust_env=False) as prometheus:
        in_flight = "http_requests_in_flight 1.0"
        connection, rest = server.upload(digits[0][0], lambda: in_flight in prometheus.get("/metrics").text)
        server.sigterm()
        with connection:
            wait_until(lambda: server.status("/health") == 0, "the main port is closed")
            assert in_flight in prometheus.get("/metrics").text
            assert prometheus.get("/health").json()["status"] == "draining"
            connection.sendall(rest)
            assert answer(connection).startswith(b"HTTP/1.1 200 ")
        assert server.process.wait(PATIENCE_SECONDS) == 0


def test_a_management_port_that_is_taken_ends_the_process() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 -- as the server does
        taken.listen()
        ended = subprocess.run(
            [sys.executable, "-m", "serving", "digits"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(free_port()), "SLIPWAY_MANAGEMENT_PORT": str(taken.getsockname()[1])},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
    assert ended.returncode != 0
    (error,) = [line for line in log_lines(ended.stdout) if line["level"] == "error"]
    assert "address already in use" in error["message"]


def test_before_the_drain_connections_are_kept(start: Start, digits: Digits) -> None:
    with start() as server:
        kept = server.client.post("/predict", content=digits[0][0], headers=PNG)
        assert "connection" not in kept.headers


def test_a_request_that_outlasts_the_drain_gets_an_answer_before_the_exit(start: Start, digits: Digits) -> None:
    with start(drainSeconds=2) as server:
        connection, _ = server.upload(digits[0][0])
        sent = server.sigterm()
        with connection:
            received = answer(connection)
        assert received.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in received
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - sent < 2.5


def test_idle_connections_do_not_hold_up_the_exit(start: Start) -> None:
    with start(drainSeconds=8) as server, socket.create_connection(("127.0.0.1", server.port)):
        sent = server.sigterm()
        assert server.process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - sent < 4


def test_a_process_without_a_model_stays_alive_and_still_ends_well(tmp_path: Path) -> None:
    with started(tmp_path, modelPath=str(tmp_path / "no-model"), drainSeconds=1) as server:
        wait_until(lambda: "SHA256SUMS" in server.client.get("/health").text, "the reason is known")
        assert server.status("/health") == 503
        assert server.process.poll() is None
        server.sigterm()
        assert server.process.wait(PATIENCE_SECONDS) == 0
        errors = [line for line in log_lines(server.output()) if line["level"] == "error"]
        assert len(errors) == 1
        assert "SHA256SUMS: cannot be read" in errors[0]["message"]


def test_settings_that_cannot_be_used_end_the_process_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"queueLimits": 1}')
    ended = subprocess.run(
        [sys.executable, "-m", "serving", "digits"],
        cwd=ROOT,
        env={**os.environ, "SLIPWAY_SETTINGS": str(tmp_path / "settings.json")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "queueLimits: unknown key; did you mean queueLimit?" in ended.stderr
    assert ended.stdout == ""
