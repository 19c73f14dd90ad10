"""Logs: one JSON object per line on stdout, for a collector that reads the container's output."""

import asyncio
import io
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO, cast

from serving.identity import Identity

FIELDS = "fields"
# Longest line of a logged traceback in characters, and the number of its last lines that are logged.
MOST_LINE, MOST_LINES = 200, 100
_ENCODER = json.JSONEncoder(default=str)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; a line break inside a value is escaped and cannot forge a second line."""

    def __init__(self, identity: Identity) -> None:
        super().__init__()
        self._identity = {"service": identity.service, "slot": identity.slot, "version": identity.version}

    def format(self, record: logging.LogRecord) -> str:
        """Render time, level, logger, message, the process's identity and the record's own fields."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._identity,
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            lines = self.formatException(record.exc_info).splitlines()
            # The message of an error may repeat a request. The cause of an error is at the end of its traceback.
            line["exception"] = "\n".join(one[:MOST_LINE] for one in lines[-MOST_LINES:])
        return _ENCODER.encode(line)


class Lines(logging.StreamHandler[TextIO]):
    """Collects the log lines of one turn of the event loop and writes them with one call, at the end of the turn.

    Each write lets another thread run, and under load there is one line per request: the loop would spend most of its
    time waiting for its own log. Lines from other threads are written at once, after any collected lines.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Format a record and schedule its write."""
        try:
            line = self.format(record) + self.terminator
        except Exception:  # noqa: BLE001 - like every handler: logging never fails its caller
            self.handleError(record)
            return
        scheduled = bool(self._waiting)
        self._waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another thread
            self.flush()
            return
        if not scheduled:
            loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write the collected lines; logging also calls this when the process ends."""
        self.acquire()
        try:
            lines = "".join(self._waiting)
            self._waiting.clear()
            self.stream.write(lines)
            self.stream.flush()
        except (OSError, ValueError):
            pass  # stdout is closed: the error cannot be reported
        finally:
            self.release()


def with_fields(**fields: object) -> dict[str, object]:
    """Return the `extra` argument that adds structured fields to a log call."""
    return {FIELDS: fields}


def rehearsal_log(identity: Identity) -> logging.Logger:
    """Return a logger that formats lines as the process's log does, but writes them to memory."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonLines(identity))
    quiet = logging.Logger("rehearsal", logging.INFO)  # noqa: LOG001 - no child of the root, whose handlers print
    quiet.addHandler(handler)
    return quiet


def configure(identity: Identity, level: str) -> None:
    """Send all logging of the process to stdout as JSON; libraries log at `warning` and above only."""
    handler = Lines(sys.stdout)
    handler.setFormatter(JsonLines(identity))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # No line shows thread, process or the caller's source location, so do not collect them for each record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    cast("Any", logging)._srcfile = None  # noqa: SLF001 - the documented way: logging's HOWTO, "Optimization"
    logging.getLogger("slipway").setLevel(level.upper())
