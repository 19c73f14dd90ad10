"""`slipway` commands as CI starts them: in a separate process, with JSON output."""

import json
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
        """The exit code."""
        return self.done.returncode

    @property
    def document(self) -> Json:
        """The JSON document on standard output."""
        return cast("Json", json.loads(self.done.stdout))

    @property
    def events(self) -> list[Json]:
        """The events on standard error."""
        return [cast("Json", json.loads(line)) for line in self.done.stderr.splitlines() if line.startswith("{")]

    @property
    def said(self) -> str:
        """The output without the progress of updates, for the message of a failed assertion."""
        told = [str(event) for event in self.events if event["kind"] != "update"]
        plain = [line for line in self.done.stderr.splitlines() if not line.startswith("{")]
        stdout = self.done.stdout.partition('"stages"')[0]  # the plan's numbers follow
        return "\n".join([*told, *plain, stdout])[-8000:]


@dataclass(frozen=True)
class Started:
    """A running command."""

    began: float
    """Unix time just before it was started."""
    process: "subprocess.Popen[str]"
    told: Path
    """File with its events so far; not a pipe, which an update that outlives its driver would keep open."""

    def reached(self, kind: str, stage: str, seconds: float) -> bool:
        """Return whether an event of this kind was reported at this stage; without a kind, whether time is up."""
        if not kind:
            return time.time() - self.began >= seconds
        whole, _, _ = self.told.read_text().rpartition("\n")
        events = [cast("Json", json.loads(line)) for line in whole.splitlines() if line.startswith("{")]
        return any(event["kind"] == kind and event.get("stage", stage) == stage for event in events)

    def wait_for(self, kind: str, stage: str) -> None:
        """Wait for an event of this kind at this stage; fail if the command ends before it."""
        while not self.reached(kind, stage, 0):
            assert self.process.poll() is None, self.told.read_text()[-2000:]
            time.sleep(0.01)


@contextmanager
def started(command: Sequence[str], env: Mapping[str, str], told: Path) -> Generator[Started]:
    """Start a command; kill it at the end if it still runs."""
    began = time.time()
    with told.open("w") as file:
        process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.DEVNULL, stderr=file, text=True)
    try:
        yield Started(began, process, told)
    finally:
        process.kill()
        process.wait()
