"""Waiting for what a cluster does at its own pace."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 300.0
"""Not how long it should take, which is printed, but when to give up: many times what a quiet machine takes."""
_POLL_SECONDS = 0.2


def within(check: Callable[[], bool], what: str) -> float:
    """Wait until a check holds; return the seconds that it took."""
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < PATIENCE_SECONDS, f"timed out waiting until {what}"
        time.sleep(_POLL_SECONDS)
    return time.monotonic() - began
