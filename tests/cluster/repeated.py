"""Repeats a call at a steady rate, in a thread of its own, while a test does something else."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

_AT_MOST = 20_000
"""Calls after which the thread ends by itself, so that a hanging test does not send forever."""


@contextmanager
def repeated(call: Callable[[], object], *, per_second: float, at_most: int = _AT_MOST) -> Generator[None]:
    """Repeat a call until the block ends; the last call has then returned.

    Args:
        call: Must not raise, because nobody would see the exception.
        per_second: Rate at which calls begin. A slow call delays the next one: calls do not overlap.
        at_most: Number of calls after which the thread ends.
    """
    stop = threading.Event()

    def repeat() -> None:
        for _ in range(at_most):
            began = time.monotonic()
            call()
            if stop.wait(max(0.0, began + 1 / per_second - time.monotonic())):
                return

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
