"""The progress of a fetch as lines of JSON on standard output, one every few seconds, for `kubectl logs`."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

PERIOD_SECONDS = 5.0
_UNIT = 1024


def say(message: str, **fields: object) -> None:
    """Print one log line with a message and further fields."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(json.dumps({"time": at, "level": "info", "message": message, **fields}), flush=True)  # noqa: T201


def amount(count: float) -> str:
    """Return a number of bytes with a unit that people can read."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < _UNIT:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= _UNIT
    return f"{count:.2f} GiB"


class Progress:
    """Counts the bytes of a fetch, and prints a line each period while it runs.

    Args:
        period: Seconds between two lines.
        clock: The time in seconds.
    """

    def __init__(self, period: float = PERIOD_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._period, self._clock = period, clock
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self.fetched, self.resumed = 0, 0
        self.total: int | None = None
        self._began = clock()

    def begin(self, total: int | None, resumed: int) -> None:
        """Start to print lines. `total` and `resumed` are bytes; total None = unknown."""
        self.total, self.resumed, self._began = total, self.resumed + resumed, self._clock()
        if self._thread is None:
            self._thread = threading.Thread(target=self._report, daemon=True)
            self._thread.start()

    def count(self, added: int) -> None:
        """Add bytes that have arrived; negative if they must be fetched again."""
        with self._lock:
            self.fetched += added

    def end(self) -> None:
        """Stop printing."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def line(self) -> tuple[str, dict[str, object]]:
        """Return the message and the fields of a line: bytes, rate in bytes per second, seconds left."""
        seconds = max(self._clock() - self._began, 1e-9)
        rate = self.fetched / seconds
        fields: dict[str, object] = {"bytesFetched": self.fetched, "bytesPerSecond": round(rate)}
        there = self.fetched + self.resumed
        if self.total is None:
            return f"fetched {amount(there)}, {amount(rate)}/s", fields
        fields["bytesTotal"] = self.total
        message = f"fetched {amount(there)} of {amount(self.total)}, {amount(rate)}/s"
        if rate > 0:
            fields["secondsLeft"] = round((self.total - there) / rate)
            message += f", {fields['secondsLeft']} s left"
        return message, fields

    def _report(self) -> None:
        while not self._done.wait(self._period):
            message, fields = self.line()
            say(message, **fields)
