"""Parse JSON bodies within a limit on their memory.

A list, a number or a key takes far more bytes in memory than in JSON: `{},` has 3 bytes and takes 88. The values, lists
and keys are therefore counted before the body is parsed.
"""

import re
from itertools import islice
from typing import Any, cast

from pydantic_core import from_json
from starlette.requests import Request

from serving.http.uploads import announced_bytes, body_parts
from serving.work.lanes import require_large_lane

# Numbers, strings and other values: 64 MB parsed and converted. A body of 5 MiB with numbers of 5 digits fits.
MOST_VALUES = 1_000_000
# Lists and objects. Only rows of fewer than 10 values reach it before MOST_VALUES; such tensors can be sent flat.
MOST_CONTAINERS = 100_000
MOST_KEYS = 50_000
# Bytes of the largest body that runs in the lane of small jobs. Parsing it takes about a millisecond, in which no other
# request is answered.
SMALL_BODY = 64 * 1024
# A tensor request allocates at most this many times the bytes of its body while it is parsed and checked; a test
# measures it.
MOST_MULTIPLE = 32
_KEY = re.compile(rb'"[ \t\r\n]*:')

Body = bytes | list[bytes]
"""A body, or its parts as they arrived: joining 5 MiB takes 3 ms, in which no other request is answered."""


class JsonBodyError(ValueError):
    """The body is not acceptable JSON; the message is one line for the client."""


def announces_small(request: Request) -> bool:
    """Return whether the Content-Length of a request announces a small body."""
    announced = announced_bytes(request)
    return announced is not None and announced <= SMALL_BODY


async def read_json(request: Request, most_values: int) -> list[bytes]:
    """Return the parts of the body. Values are counted as they arrive, so that a body over the limit is refused early.

    Raises:
        HTTPException: 413 over the limit of bytes.
        JsonBodyError: the body has too many values or containers.
    """
    parts: list[bytes] = []
    values = 1
    containers = 0
    async for part in body_parts(request):
        parts.append(part)
        values += part.count(b",")
        containers += part.count(b"[") + part.count(b"{")
        _check(values, most_values, "values")
        _check(containers, MOST_CONTAINERS, "lists and objects")
    return parts


def require_lane_for(body: Body) -> None:
    """Move the current job to the lane of large jobs if its body is large."""
    if (len(body) if isinstance(body, bytes) else sum(map(len, body))) > SMALL_BODY:
        require_large_lane()


def document(given: Body) -> dict[str, Any]:
    """Return the JSON object in a body.

    Commas, brackets and colons inside strings count too: to tell them apart would be as expensive as parsing.

    Raises:
        JsonBodyError: the body has too many values, containers or keys, is not JSON, or is not an object.
    """
    body = given if isinstance(given, bytes) else b"".join(given)
    if len(body) > min(MOST_VALUES, MOST_CONTAINERS, MOST_KEYS):  # a body has no more parts than bytes
        _check(body.count(b",") + 1, MOST_VALUES, "values")
        _check(body.count(b"[") + body.count(b"{"), MOST_CONTAINERS, "lists and objects")
        # Stop at the limit: while the search holds the interpreter, all other requests wait.
        _check(sum(1 for _ in islice(_KEY.finditer(body), MOST_KEYS + 1)), MOST_KEYS, "keys")
    try:
        content: object = from_json(body)
    except ValueError as error:
        raise JsonBodyError(f"the body is not JSON ({error})") from error
    if not isinstance(content, dict):
        raise JsonBodyError(f"the body is a JSON {type(content).__name__}; send an object")
    return cast("dict[str, Any]", content)


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise JsonBodyError(f"the body has {count} {what} or more, the limit is {most}; send several smaller requests")
