"""Checks whether a process of this machine still runs, and interrupts a driver."""

import signal
from contextlib import suppress

import psutil

_SAME_SECONDS = 1.0
"""Two readings of one process's start time differ by less than this, because the kernel's clock is read twice."""


def started(pid: int) -> float | None:
    """Return the Unix time at which a process was started; None if no process has this ID."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def runs(pid: int, since: float) -> bool:
    """Return whether the process that was started at ``since`` still runs; the kernel reuses process IDs."""
    found = started(pid)
    return found is not None and abs(found - since) < _SAME_SECONDS


def interrupt(driver_id: int) -> None:
    """Send SIGINT to a driver and its Pulumi processes, as a terminal does on ^C.

    The driver gets the signal first. Otherwise, it would treat the interrupted update as a failed one.
    """
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(driver_id)
        engines = [child for child in process.children(recursive=True) if child.name() == "pulumi"]
        process.send_signal(signal.SIGINT)
        for engine in engines:
            with suppress(psutil.NoSuchProcess):
                engine.send_signal(signal.SIGINT)
