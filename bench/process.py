"""Run a command and measure its whole process tree; watch and stop processes for the other benchmarks."""

import contextlib
import http.client
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL = 0.05
"""Seconds between two readings of the tree's memory: a preview takes seconds, and its peak lasts longer than this."""
READY_SECONDS = 60.0
_ASK_SECONDS = 0.01
"""Between two looks at readiness: the resolution of a cold start."""
_ports = itertools.count(21_000)
"""Below those that the system gives to clients: between two starts any of them may have got one."""


@dataclass(frozen=True)
class Run:
    """One finished run."""

    seconds: float
    peak_mebibytes: float


@dataclass
class Peak:
    """The highest value so far."""

    most: float = 0.0


@contextmanager
def peak_of(look: Callable[[], float], every: float) -> Generator[Peak]:
    """Read a value at a fixed interval, in seconds, while the block runs, and keep the highest."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(every):
            peak.most = max(peak.most, look())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on; another one each time."""
    for port in _ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("counting does not end")


def await_ready(process: "subprocess.Popen[bytes]", port: int, path: str, *, name: str, log: Path) -> None:
    """Wait until a server answers a path with 200.

    Raises:
        RuntimeError: it ended, or was not ready in time; the message names its log.
    """
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{name} exited {process.returncode}; see {log}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_SECONDS)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass  # nothing listens yet
        finally:
            connection.close()
        time.sleep(_ASK_SECONDS)
    raise RuntimeError(f"{name} was not ready in {READY_SECONDS:g} s; see {log}")


def stop(process: "subprocess.Popen[bytes]", patience: float) -> None:
    """Ask a process to end, and kill it if it does not end in time."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def measured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: the command failed; the message holds its output.
    """
    started = time.monotonic()
    with (
        subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
        peak_of(lambda: _tree_mebibytes(process.pid), _POLL) as peak,
    ):
        output = process.communicate()[0].decode()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} in {cwd} exited {process.returncode}:\n{output}")
    return Run(seconds=time.monotonic() - started, peak_mebibytes=peak.most)


def _tree_mebibytes(pid: int) -> float:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended after it was listed
    return total / 2**20
