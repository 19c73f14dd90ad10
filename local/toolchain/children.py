"""Go processes that can be ended: each in its own process group, because `go build` starts compilers of its own."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_GRACE_SECONDS = 5.0  # between SIGTERM and SIGKILL; a compiler ends at once, a linker may write a file first


class StoppedError(Exception):
    """The command was not run, or ended, because `Children.stop` was called."""


class Children:
    """The commands that run at the moment; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopping = threading.Event()

    def run(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path | None = None) -> str:
        """Runs a command to its end and returns its standard output; all output goes to `log` instead if one is given.

        Raises:
            subprocess.CalledProcessError: if it fails; `output` holds what it wrote (of a log: all of it).
            StoppedError: if `stop` was called before or meanwhile.
        """
        with contextlib.ExitStack() as stack:
            output = subprocess.PIPE if log is None else stack.enter_context(log.open("w"))
            errors = subprocess.PIPE if log is None else subprocess.STDOUT
            with self._lock:
                if self._stopping.is_set():
                    raise StoppedError
                child = subprocess.Popen(
                    command, cwd=cwd, env=env, stdout=output, stderr=errors, text=True, start_new_session=True
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
            told = (written or "") + (complaint or "") if log is None else log.read_text(errors="replace")
            raise subprocess.CalledProcessError(child.returncode, command, output=told)
        return written or ""

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Ends every running command with all that it started, and lets no other one start."""
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
    """Signals a group by its leader's pid; the leader is not yet reaped, so the pid cannot be a stranger's."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
