"""Shared code of the five services' endpoints: reading a message, and the time limit and trace of outgoing calls."""

import math
from typing import TypeVar

from starlette.requests import Request

from serving.errors import refusal
from serving.http.uploads import read_body
from serving.payloads.faces.peers import SECONDS_LEFT, CallBudget
from serving.payloads.faces.wire import MOST_BYTES, Message, WireError
from serving.settings import Settings

M = TypeVar("M", bound=Message)
# Share of the time limit for calls; the rest is for the answer that names the dependency that took too long.
_SHARE_FOR_CALLS = 0.9
_TRACE = ("traceparent", "tracestate", "baggage")


async def read_message(request: Request, kind: type[M]) -> M:
    """Read the body as a message.

    Raises:
        HTTPException: 400 not such a message, 413 too large.
    """
    body = await read_body(request, MOST_BYTES)
    try:
        return kind.read(body)
    except WireError as error:
        raise refusal(400, f"the body is not a valid {kind.__name__}: {error}") from error


def budget_of(settings: Settings, request: Request) -> CallBudget:
    """Return the time limit and trace headers for a request's outgoing calls.

    The limit is shorter than the request's own, so that its answer can name the service that is too slow, and no longer
    than the caller waits. The caller's trace is passed on unchanged; if this process traces, its own span replaces it.
    """
    headers = {name: value for name in _TRACE if (value := request.headers.get(name))}
    limits = [settings.request_timeout_seconds, _waits(request.headers.get(SECONDS_LEFT, ""))]
    return CallBudget(min(limits) * _SHARE_FOR_CALLS, headers)


def _waits(given: str) -> float:
    """Return the seconds that the caller still waits; infinite without a valid header."""
    try:
        seconds = float(given)
    except ValueError:
        return math.inf
    return seconds if seconds >= 0 else math.inf
