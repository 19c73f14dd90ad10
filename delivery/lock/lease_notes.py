"""What a stack's Lease carries beside who holds it: the newest records, and when each release was last driven."""

import json
from typing import Any, cast

from delivery.lock.lease import Seen, noted

_RECORD_CHARACTERS = 100_000
"""Of the records that the Lease carries; all annotations of an object may have 262,144 bytes."""


def records_of(seen: Seen | None) -> dict[str, Any]:
    """Return the records that a Lease carries, by service; none where it is none of ours."""
    return mapping(noted(seen, "record")) if seen is not None else {}


def driven_of(seen: Seen | None) -> dict[str, str]:
    """Return when each service's release was last driven, by its driver's clock, as ISO 8601."""
    return mapping(noted(seen, "driven")) if seen is not None else {}


def bounded(records: dict[str, Any]) -> str:
    """Return records as an annotation; none of them where they are too long for one."""
    text = json.dumps(records, separators=(",", ":"))
    return text if len(text) <= _RECORD_CHARACTERS else "{}"


def mapping(text: str) -> dict[str, Any]:
    """Read a JSON object; empty where the text is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
