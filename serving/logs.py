"""Logs: one JSON object per line on stdout, for a collector that reads the container's output."""

import io
import json
import logging
import sys
from datetime import UTC, datetime

from serving.identity import Identity

FIELDS = "fields"


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
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def with_fields(**fields: object) -> dict[str, object]:
    """Give structured fields to a log call as its `extra`."""
    return {FIELDS: fields}


def rehearsal_log(identity: Identity) -> logging.Logger:
    """A log whose lines are made like all others and read by nobody."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(JsonLines(identity))
    quiet = logging.Logger("rehearsal", logging.INFO)  # noqa: LOG001 - no child of the root, whose handlers print
    quiet.addHandler(handler)
    return quiet


def configure(identity: Identity, level: str) -> None:
    """Send all logging of the process to stdout as JSON; libraries speak from `warning` upwards only."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(identity))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("slipway").setLevel(level.upper())
