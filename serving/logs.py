"""Logs: one JSON object per line on stdout, for a collector that reads the container's output."""

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


def configure(identity: Identity, level: str) -> None:
    """Send all logging of the process to stdout as JSON; libraries speak from `warning` upwards only."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(identity))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("slipway").setLevel(level.upper())
