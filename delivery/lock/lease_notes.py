"""Annotations of a stack's Lease: the newest records, and when each release was last driven."""

import json
from typing import Any, cast

from delivery.lock.lease import Seen, noted

_RECORD_CHARACTERS = 100_000
"""Limit of the records on a Lease. Kubernetes limits all annotations of an object to 262,144 bytes."""


def records_of(seen: Seen | None) -> dict[str, Any]:
    """Return the records that a Lease carries, by service; empty if ``slipway`` wrote none."""
    return mapping(noted(seen, "record")) if seen is not None else {}


def driven_of(seen: Seen | None) -> dict[str, str]:
    """Return when each service's release was last driven, by its driver's clock, as ISO 8601."""
    return mapping(noted(seen, "driven")) if seen is not None else {}


def bounded(records: dict[str, Any]) -> str:
    """Return records as an annotation's value; if they are too long, return an empty object."""
    text = json.dumps(records, separators=(",", ":"))
    return text if len(text) <= _RECORD_CHARACTERS else "{}"


def mapping(text: str) -> dict[str, Any]:
    """Parse a JSON object; return an empty one if the text is not a JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
