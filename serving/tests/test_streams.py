"""The real process with open streams at SIGTERM: each stream ends completely if the drain is long enough."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from serving.tests.streaming import END, PART_SECONDS
from serving.tests.support import PATIENCE_SECONDS, free_port, wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STREAMS = 20


@contextmanager
def started(folder: Path, **settings: float) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """Run the streaming role in a process until the block ends."""
    (folder / "settings.json").write_text(json.dumps(settings))
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "serving.tests.streaming"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "SLIPWAY_SETTINGS": str(folder / "settings.json")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def ready() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
        return False

    try:
        wait_until(ready, "the process is ready")
        yield process, port
    finally:
        process.kill()
        process.wait()


def opened(port: int, path: str, parts: int) -> socket.socket:
    """Begin one stream, whose first part has arrived when this returns."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.sendall(f"GET {path}?parts={parts} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    received = b""
    while b"0\n" not in received.partition(b"\r\n\r\n")[2]:
        received += connection.recv(65536)
    return connection


def rest(connection: socket.socket) -> bytes:
    """Return what still comes until the server closes the connection."""
    received = b""
    with connection:
        while chunk := connection.recv(65536):
            received += chunk
    return received


def ended(received: bytes) -> bool:
    """Whether a stream has its marker, and the zero chunk with which HTTP/1.1 ends a body of unknown length."""
    return END.encode() in received and received.endswith(b"\r\n0\r\n\r\n")


def test_every_stream_that_is_open_at_sigterm_ends_completely(tmp_path: Path) -> None:
    parts = 90  # longer than the half of the drain after which the server stops listening
    with started(tmp_path, drainSeconds=6) as (process, port):
        streams = [opened(port, path, parts) for path in ("/events", "/chunks") * (STREAMS // 2)]
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert [ended(rest(stream)) for stream in streams] == [True] * STREAMS
        assert process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - began > parts * PART_SECONDS / 2, "the streams were open long after the signal"


def test_a_stream_that_outlasts_the_drain_is_cut_off_and_the_process_ends_in_time(tmp_path: Path) -> None:
    with started(tmp_path, drainSeconds=2) as (process, port):
        stream = opened(port, "/events", 400)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert not ended(rest(stream))
        assert process.wait(PATIENCE_SECONDS) == 0
        assert time.monotonic() - began < 3.5
