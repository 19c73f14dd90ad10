"""Processes of this machine: whether one still runs, and how a driver is interrupted."""

import signal
from contextlib import suppress

import psutil

_SAME_SECONDS = 1.0
"""Start times of one process differ by less, as the kernel's clock is read twice."""


def started(pid: int) -> float | None:
    """Unix time at which a process was started; None where there is none of this id."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def runs(pid: int, since: float) -> bool:
    """Whether the process that was started then still runs: ids are used again."""
    found = started(pid)
    return found is not None and abs(found - since) < _SAME_SECONDS


def interrupt(driver_id: int) -> None:
    """Send the signal that a terminal would send to both; the driver first, or it takes the update for a failed one."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(driver_id)
        engines = [child for child in process.children(recursive=True) if child.name() == "pulumi"]
        process.send_signal(signal.SIGINT)
        for engine in engines:
            with suppress(psutil.NoSuchProcess):
                engine.send_signal(signal.SIGINT)
