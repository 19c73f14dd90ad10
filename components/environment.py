"""Environment variables as UTF-8 text. Python itself decodes them with the locale's encoding."""

import json
import os
from pathlib import Path
from typing import Any, cast


def text(name: str) -> str | None:
    """Return a variable's value, or None if it is not set.

    Raises:
        UnicodeDecodeError: the value is not UTF-8.
    """
    value = os.environ.get(name)
    return None if value is None else os.fsencode(value).decode("utf-8")


def readable(said: str | Path) -> str:
    """Return the operating system's text as UTF-8; other bytes are escaped."""
    return os.fsencode(said).decode("utf-8", "backslashreplace")


def configuration() -> dict[str, Any]:
    """Return the stack's configuration, which the engine writes to ``PULUMI_CONFIG`` as UTF-8 in every locale."""
    return cast("dict[str, Any]", json.loads(text("PULUMI_CONFIG") or "{}"))
