"""Runs a command and measures its whole process tree."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL = 0.05
"""Seconds between two looks at the tree's memory: a preview takes seconds, its peak lasts longer than this."""


@dataclass(frozen=True)
class Run:
    """One finished run."""

    seconds: float
    peak_mebibytes: float


def measured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Run:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; the message holds its output.
    """
    peak = 0.0
    started = time.monotonic()
    with subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        done = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(_POLL):
                peak = max(peak, _tree_mebibytes(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        output = process.communicate()[0].decode()
        done.set()
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} in {cwd} exited {process.returncode}:\n{output}")
    return Run(seconds=time.monotonic() - started, peak_mebibytes=peak)


def _tree_mebibytes(pid: int) -> float:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended between the list and the look
    return total / 2**20
