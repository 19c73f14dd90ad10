"""Run a command and measure its whole process tree; watch and stop processes for the other benchmarks."""

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
