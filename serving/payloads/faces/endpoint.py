"""What the endpoints of the five services share: reading a message, and what its calls need."""

import math
from typing import TypeVar

from starlette.requests import Request

from serving.errors import refusal
from serving.http.uploads import read_body
from serving.payloads.faces.peers import SECONDS_LEFT, Errand
from serving.payloads.faces.wire import MOST_BYTES, Message, WireError
from serving.settings import Settings

M = TypeVar("M", bound=Message)
# What is left of the time limit for saying which dependency took the rest.
_SHARE_FOR_CALLS = 0.9
_TRACE = ("traceparent", "tracestate", "baggage")


async def read_message(request: Request, kind: type[M]) -> M:
    """The body as a message.

    Raises:
        HTTPException: 400 it is none, 413 too large.
    """
    body = await read_body(request, MOST_BYTES)
    try:
        return kind.read(body)
    except WireError as error:
        raise refusal(400, f"no {kind.__name__}: {error}") from error


async def nothing() -> None:
    """The body of a request that has none."""


def errand_of(settings: Settings, request: Request) -> Errand:
    """Time and trace for the calls that a request makes: less than its own limit, so that its answer names the culprit.

    A caller that waits for less gets less. Its trace is passed on as it came; where this process traces, its own span
    takes the place.
    """
    headers = {name: value for name in _TRACE if (value := request.headers.get(name))}
    limits = [settings.request_timeout_seconds, _waits(request.headers.get(SECONDS_LEFT, ""))]
    return Errand(min(limits) * _SHARE_FOR_CALLS, headers)


def _waits(given: str) -> float:
    """How long the caller waits, in seconds; one that does not say so waits for ever."""
    try:
        seconds = float(given)
    except ValueError:
        return math.inf
    return seconds if seconds >= 0 else math.inf
