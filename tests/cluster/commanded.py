"""`slipway` commands as CI starts them: in a process of their own, with JSON for a program."""

import json
import subprocess
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from tests.cluster.stack import Done, Json
from tests.recording import PROJECT


@dataclass(frozen=True)
class Commanded:
    """A command that has ended."""

    began: float
    """Unix time just before it was started."""
    seconds: float
    done: Done

    @property
    def code(self) -> int:
        """Its exit code."""
        return self.done.returncode

    @property
    def document(self) -> Json:
        """What it said on standard output."""
        return cast("Json", json.loads(self.done.stdout))

    @property
    def events(self) -> list[Json]:
        """What it told on the way, line by line."""
        return [cast("Json", json.loads(line)) for line in self.done.stderr.splitlines() if line.startswith("{")]

    @property
    def said(self) -> str:
        """Everything but the progress of updates, for a failed assertion."""
        told = [str(event) for event in self.events if event["kind"] != "update"]
        plain = [line for line in self.done.stderr.splitlines() if not line.startswith("{")]
        return "\n".join([*told, *plain, self.done.stdout])[-8000:]


@dataclass
class Started:
    """A command that runs."""

    began: float
    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list[str])
    """What it has told so far."""

    def reached(self, kind: str, stage: str, seconds: float) -> bool:
        """Whether an event of this kind was told at this stage; without a kind, whether so many seconds are over."""
        if not kind:
            return time.time() - self.began >= seconds
        events = [cast("Json", json.loads(line)) for line in list(self.lines) if line.startswith("{")]
        return any(event["kind"] == kind and event.get("stage", stage) == stage for event in events)

    def read(self) -> None:
        """Take its lines as they come, until it ends."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line)


@contextmanager
def started(command: Sequence[str], env: Mapping[str, str]) -> Generator[Started]:
    """Let a command run; at the end it must have ended."""
    process = subprocess.Popen(
        command, cwd=PROJECT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    running = Started(time.time(), process)
    reading = threading.Thread(target=running.read, daemon=True)
    reading.start()
    try:
        yield running
    finally:
        process.kill()
        process.wait()
        reading.join(1)  # an orphaned update holds the pipe for as long as it works
