"""JSON responses, encoded in a worker thread so that a large one does not block the event loop."""

import json

from starlette.responses import Response

MEDIA_TYPE = "application/json"
# As in Starlette's own JSON responses, a number that is not finite is an internal error: JSON cannot express it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encoded(content: object) -> bytes:
    """Return the body of a response.

    Raises:
        ValueError: the content has a number that is not finite.
    """
    return _ENCODER.encode(content).encode()


def answer(body: bytes) -> Response:
    """Return a response with an encoded body."""
    return Response(body, media_type=MEDIA_TYPE)
