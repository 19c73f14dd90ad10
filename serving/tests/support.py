"""Shared by many tests: a running server, and a model whose inference the test controls."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx
import numpy as np
import uvicorn
from numpy.typing import NDArray

from serving.cpu import Threads
from serving.http.app import make_app
from serving.http.connections import Connections, Limits
from serving.http.server import KEEP_ALIVE_SECONDS
from serving.http.uvicorn_config import configuration
from serving.identity import Identity
from serving.models.onnx import Node, OnnxModel
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads import digits
from serving.payloads.digits.model import INPUT, OUTPUT, Digits, DigitsMetadata
from serving.payloads.digits.pixels import PIXELS
from serving.role.payload import Context, Payload
from serving.role.role import Role
from serving.role.service import Service, make_service
from serving.settings import Settings
from serving.work import lanes

T = TypeVar("T")

IDENTITY = Identity(service="classifier", slot="blue", version="sha256:0123", config="c0ffee")
PNG = {"content-type": "image/png"}
PATIENCE_SECONDS = 20.0
TLS = ssl.create_default_context()
"""Shared by all clients: each context reads every certificate of the machine, and no test server speaks TLS."""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that another thread or process does; fail with its name instead of hanging."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting until {what}"
        time.sleep(0.005)


def free_port() -> int:
    """Return a port of the loopback interface that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def in_lane(call: Callable[[], T], *, large: bool) -> T:
    """Call something in a worker thread of one lane."""
    with ThreadPoolExecutor(1, initializer=lambda: lanes.join_lane(large=large)) as pool:
        return pool.submit(call).result()


@dataclass
class Held:
    """Work in worker threads that waits until the test releases it."""

    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    release: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        self.entered.release()
        assert self.release.wait(PATIENCE_SECONDS)


@dataclass
class HeldSession(Held):
    """A session that answers class 0 at once, or, when held, once the test releases it."""

    held: bool = False
    broken: bool = False
    calls: int = 0

    def get_inputs(self) -> list[Node]:
        return []

    def get_outputs(self) -> list[Node]:
        return []

    def run(self, output_names: list[str], input_feed: dict[str, Any]) -> list[NDArray[np.float32]]:
        del output_names
        self.calls += 1
        if self.broken:
            raise RuntimeError("planted failure")
        if self.held:
            self.wait()
        rows = len(input_feed["pixels"])
        return [np.tile(np.eye(1, 10, dtype=np.float32), (rows, 1))]


def model_with(session: HeldSession) -> Digits:
    metadata = DigitsMetadata(
        version="held",
        labels=tuple("0123456789"),
        figures={"accuracy": 1},
        floors={},
        trained_on=0,
        held_out=0,
        seed=0,
        versions={},
    )
    inputs, outputs = (Tensor(INPUT, "FP32", (DYNAMIC, PIXELS)),), (Tensor(OUTPUT, "FP32", (DYNAMIC, 10)),)
    return Digits(OnnxModel(metadata, session, inputs, outputs))


def loaded_by(load: Callable[[], Digits]) -> Payload[Digits]:
    """The digits role with another way to load."""

    def from_context(_: Context) -> Digits:
        return load()

    return replace(digits.PAYLOAD, load=from_context)


@dataclass(frozen=True)
class Running:
    """A server in a thread of this process, on loopback."""

    service: Service[Any]
    client: httpx.Client
    port: int

    def wait_ready(self) -> None:
        wait_until(lambda: self.service.lifecycle.ready, "the server is ready")

    def metric(self, name: str, **labels: str) -> float:
        return self.service.telemetry.registry.get_sample_value(name, labels) or 0.0


@contextmanager
def serve(
    payload: Payload[Any],
    *,
    threads: int = 2,
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    metrics: bool = True,
    **settings: Any,
) -> Generator[Running]:
    """Run a role in a thread; it is not necessarily ready when the block begins. Settings as in settings.json.

    Without `metrics`, the main port is the one of a server that has a management port.
    """
    split = Threads(workers=threads, intra_op=1)
    service = make_service(Settings(**settings), IDENTITY, workers=payload.workers or threads)
    app = make_app(
        Role(payload=payload, service=service, threads=split, environment=environment or {}), metrics=metrics
    )
    # The protocol is named, because asyncio switches Nagle's delay off only where it is.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = configuration(app, Connections(limits or Limits(), service.telemetry.refused), port=port)
    config.timeout_keep_alive = KEEP_ALIVE_SECONDS  # after uvicorn's 5 s a test would see a close that no limit caused
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), "the server listens")
        assert server.started
        address = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address, verify=TLS, trust_env=False, timeout=PATIENCE_SECONDS) as client:
            yield Running(service, client, port)
    finally:
        server.should_exit = True
        thread.join(PATIENCE_SECONDS)
        listening.close()


def log_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
