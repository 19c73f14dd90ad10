"""Two lanes of worker threads: large jobs have threads of their own, so that small jobs never wait behind them.

Only the job itself finds out how large it is: a picture of 16 million pixels may have 27 KiB. Every job therefore
starts in the lane of small jobs, and starts again in the other lane if it turns out to be large.
"""

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

# Seconds after which a thread that runs Python gives way to one that waits. A small request waits a dozen times, in the
# event loop and in its worker. While no job is large, Python's default of 5 ms applies: it switches threads less often.
GIVE_WAY_SECONDS = 0.0005


class LargeJob(BaseException):
    """Ends a job in the lane of small jobs. Not an `Exception`, so that no handler in the job catches it."""


class _Running:
    """The number of large jobs that run in this process, and the switch interval that they require."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._before = 0.0

    def change(self, by: int) -> None:
        with self._lock:
            if not self._count:
                self._before = sys.getswitchinterval()
            self._count += by
            sys.setswitchinterval(GIVE_WAY_SECONDS if self._count else self._before)


_thread = threading.local()
_running = _Running()


@contextmanager
def giving_way() -> Generator[None]:
    """Let other threads run more often while a large job runs in the block."""
    _running.change(1)
    try:
        yield
    finally:
        _running.change(-1)


def join_lane(*, large: bool) -> None:
    """Make the current thread a worker of one lane."""
    _thread.large = large


def in_large_lane() -> bool:
    """Return whether the current thread is a worker of the lane of large jobs."""
    return getattr(_thread, "large", False)


def require_large_lane() -> None:
    """End the current job if it runs in the lane of small jobs; it then starts again in the lane of large jobs.

    A job calls this as soon as it knows that it will take tens of milliseconds, and before it has any effect. Outside
    of the worker threads, the call does nothing.
    """
    if not getattr(_thread, "large", True):
        raise LargeJob
