"""Run a short command and turn its failure into one line."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from local import patience
from local.errors import LocalError

_INTERRUPT_SECONDS = 60


class Children:
    """The commands that currently run in any thread, so that ^C can end them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()

    def start(self, launch: Callable[[], subprocess.Popen[str]]) -> subprocess.Popen[str]:
        """Start a command and record it under one lock, so that none starts unseen while :meth:`stop` runs."""
        with self._lock:
            child = launch()
            self._running.add(child)
        return child

    def end(self, child: subprocess.Popen[str]) -> None:
        """Forget a command that has ended."""
        with self._lock:
            self._running.discard(child)

    def stop(self) -> None:
        """Ask all running commands to end. Each one leads its own session, so the signal also reaches its children."""
        with self._lock:
            for child in self._running:
                _signal(child, signal.SIGTERM)


CHILDREN = Children()


def run(  # noqa: PLR0913  (what subprocess offers and this package needs)
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    cwd: Path | None = None,
    timeout_seconds: float = 600,
) -> str:
    """Run a command and return its output; if it fails, raise LocalError with its last line and the log's path.

    Args:
        command: The program and its arguments, never a shell line.
        stdin: Text for its standard input.
        environment: Its whole environment; the caller's own if None.
        log: A file that receives the whole output, for commands with long output.
        cwd: Where it runs.
        timeout_seconds: Limit, multiplied by SLIPWAY_PATIENCE, after which the command is killed and fails.
    """
    words = [str(word) for word in command]
    name = " ".join([Path(words[0]).name, *words[1:3]])
    with contextlib.ExitStack() as files:
        output = files.enter_context(log.open("w", encoding="utf-8")) if log else subprocess.PIPE
        try:
            launch = partial(
                subprocess.Popen[str],
                words,
                env=None if environment is None else dict(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT if log else subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # ^C reaches it only once, through `_interrupt`
            )
            child = CHILDREN.start(launch)
        except FileNotFoundError as missing:
            raise LocalError(f"{words[0]}: program not found: install it, or run `make up` to do so") from missing
        printed, errors = _finish(child, stdin, timeout_seconds, name)
    printed = log.read_text("utf-8", "replace") if log else printed
    if child.returncode:
        said = (errors or printed).strip().splitlines()
        where = f"; full log: {log}" if log else ""
        raise LocalError(
            f"`{name}` failed with exit code {child.returncode}: {said[-1] if said else 'no output'}{where}"
        )
    return printed


def _finish(child: subprocess.Popen[str], stdin: str | None, timeout_seconds: float, name: str) -> tuple[str, str]:
    try:
        output, errors = child.communicate(stdin, patience.limit(timeout_seconds))
    except subprocess.TimeoutExpired as slow:
        _kill(child)
        raise LocalError(f"`{name}` did not end within {timeout_seconds:.0f} s") from slow
    except BaseException:
        _interrupt(child)
        raise
    finally:
        CHILDREN.end(child)
    return output or "", errors or ""


def _interrupt(child: subprocess.Popen[str]) -> None:
    """Interrupt the command and let it clean up: Pulumi frees its lock and writes its state. A second ^C kills it."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    try:
        child.communicate(timeout=_INTERRUPT_SECONDS)
    except BaseException:  # noqa: BLE001  (the first interrupt is the one that is raised)
        _kill(child)


def _kill(child: subprocess.Popen[str]) -> None:
    _signal(child, signal.SIGKILL)
    child.communicate()


def _signal(child: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)
