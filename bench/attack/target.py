"""The server under attack, a process of its own; and its other clients, whose answers are timed."""

import http.client
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
from PIL import Image

from bench.attack.memory import Group
from bench.preview import PROJECT
from bench.process import await_ready, free_port, stop

_PATIENCE_SECONDS = 20
_RATE = 40
"""Requests per second of the other clients: a few hundred samples for each attack, and little load."""
_KIB = 1024
BODIES = {
    "digits": ("/predict", "image/png"),
    "nlu": ("/", "application/json"),
}


@dataclass(frozen=True)
class Target:
    """A running server, in a control group if one could be made."""

    role: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path
    group: Group | None

    def peak(self) -> int:
        """Return the most memory since the last `forget`, in MiB: the sum of the peaks of all processes.

        The pages of files are counted once: the processes share the interpreter and its libraries.
        """
        server, *others = self._processes()
        kibibytes = _status(server, "VmHWM") + sum(_status(one, "VmHWM") - _status(one, "RssFile") for one in others)
        return kibibytes // _KIB

    def forget(self) -> None:
        """Begin a new peak, at the memory of now."""
        for one in self._processes():
            (Path("/proc") / str(one) / "clear_refs").write_text("5", encoding="utf-8")

    def _processes(self) -> list[int]:
        """Return the server's process, and the one in which it reads large requests."""
        return [self.process.pid, *(child.pid for child in psutil.Process(self.process.pid).children(recursive=True))]

    def ended(self) -> str:
        """Say how the server ended."""
        killed = " for its memory" if self.group is not None and self.group.killed else ""
        return f"the server ended with {self.process.poll()}{killed}; see {self.log}"


def _status(process: int, key: str) -> int:
    """Return an amount of memory in KiB from a process's status."""
    lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


@contextmanager
def target(role: str, work: Path, group: Group | None) -> Generator[Target]:
    """Run a role until the block ends."""
    model = work / role
    if not model.exists():
        train = [sys.executable, "-m", "serving.train", role, "--out", str(model)]
        subprocess.run(train, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    settings, log = work / f"{role}.json", work / f"{role}.log"
    settings.write_text(json.dumps({"modelPath": str(model)}), encoding="utf-8")
    command = [sys.executable, "-m", "serving", role]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command if group is None else group.entered(command),
            cwd=PROJECT,
            env={**os.environ, "SLIPWAY_SETTINGS": str(settings), "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        await_ready(process, port, "/health", name=f"serving {role}", log=log)
        yield Target(role, port, process, log, group)
    finally:
        stop(process, _PATIENCE_SECONDS)


@dataclass
class Normal:
    """Another client: it sends at a constant rate, and keeps its connection as long as the server does."""

    port: int
    role: str
    seconds: list[float] = field(default_factory=list[float])
    failed: list[str] = field(default_factory=list[str])
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        """Begin to send."""
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sending."""
        self._done.set()
        self._thread.join()

    @property
    def p99(self) -> float:
        """The 99th percentile of the answers' times, in ms; a failed request counts with its time."""
        ordered = sorted(self.seconds) or [0.0]
        return 1000 * ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]

    def _send(self) -> None:
        path, kind = BODIES[self.role]
        body = example(self.role)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE_SECONDS)
        first = b""
        due = time.monotonic()
        while not self._done.wait(max(0.0, due - time.monotonic())):
            try:
                connection.request("POST", path, body, {"content-type": kind})
                answer = connection.getresponse()
                said = answer.read()
                if answer.status != http.HTTPStatus.OK:
                    self.failed.append(str(answer.status))
                elif said != (first := first or said):
                    self.failed.append("another answer")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(type(error).__name__)
                connection.close()
            ended = time.monotonic()
            # From the moment when it was due: a late answer must not hide that the next request is late too.
            self.seconds.append(ended - due)
            due = max(due + 1 / _RATE, ended - 1)


def example(role: str) -> bytes:
    """Return the body that the other clients send."""
    if role == "nlu":
        return json.dumps({"text": "Anna Weber lives in Oslo.", "schema": {"person": None}}).encode()
    content = io.BytesIO()
    Image.linear_gradient("L").resize((28, 28)).save(content, "PNG")
    return content.getvalue()
