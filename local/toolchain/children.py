"""Run go processes that can be ended: each has its own process group, because `go build` starts compilers."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_GRACE_SECONDS = 5.0  # between SIGTERM and SIGKILL; a compiler ends at once, a linker may write a file first


class StoppedError(Exception):
    """The command was not started, or was ended, because `Children.stop` was called."""


class Children:
    """The commands that currently run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopping = threading.Event()

    def run(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path | None = None) -> str:
        """Run a command to its end and return its standard output; with `log`, write all output to that file instead.

        Raises:
            subprocess.CalledProcessError: if the command fails; `output` holds its output, or the whole log.
            StoppedError: if `stop` was called before or during the command.
        """
        with contextlib.ExitStack() as stack:
            output = subprocess.PIPE if log is None else stack.enter_context(log.open("w", encoding="utf-8"))
            errors = subprocess.PIPE if log is None else subprocess.STDOUT
            with self._lock:
                if self._stopping.is_set():
                    raise StoppedError
                child = subprocess.Popen(
                    command,
                    cwd=cwd,
                    env=env,
                    stdout=output,
                    stderr=errors,
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                )
                self._running.add(child)
            try:
                written, complaint = child.communicate()
            finally:
                with self._lock:
                    self._running.discard(child)
        if self._stopping.is_set():
            raise StoppedError
        if child.returncode != 0:
            told = (written or "") + (complaint or "") if log is None else log.read_text("utf-8", "replace")
            raise subprocess.CalledProcessError(child.returncode, command, output=told)
        return written or ""

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """End every running command and its children, and refuse new commands."""
        with self._lock:
            self._stopping.set()
            running = list(self._running)
        for child in running:
            _signal(child, signal.SIGTERM)
        for child in running:
            try:
                child.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[str], number: signal.Signals) -> None:
    """Signal a process group by its leader's pid, which no other process can have while the leader is not reaped."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
