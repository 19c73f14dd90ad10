"""Waits for what a cluster does at its own pace."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_SECONDS = 300.0
"""When a wait fails: many times what a quiet machine takes. How long a wait took is printed, not asserted."""
_POLL_SECONDS = 0.2


def until(look: Callable[[], T | None], seconds: float, what: str) -> tuple[float, T]:
    """Call ``look`` until it returns something true; return the Unix time of that, and what it returned."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(_POLL_SECONDS)
    return time.time(), found


def within(check: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until a check holds; return the seconds that it took."""
    began = time.monotonic()
    until(check, seconds, what)
    return time.monotonic() - began
