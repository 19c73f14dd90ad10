"""JSON answers, encoded where they are computed, in a worker thread: a large one does not hold up the others."""

import json

from starlette.responses import Response

MEDIA_TYPE = "application/json"
# As Starlette's own JSON answers: what is not finite is no JSON, and an error of ours.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encoded(content: object) -> bytes:
    """The body of an answer.

    Raises:
        ValueError: a number in it is not finite.
    """
    return _ENCODER.encode(content).encode()


def answer(body: bytes) -> Response:
    """An answer with an encoded body."""
    return Response(body, media_type=MEDIA_TYPE)
