"""Error responses: each is a JSON object with one line that states the fault and the remedy."""

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

# ASGI scope key under which the access log finds the reason for an error response.
REASON = "slipway.reason"
# Value of the Retry-After header: long enough for a burst to pass, short enough not to leave the service idle.
RETRY_AFTER_SECONDS = 1
# Longest part of a request that a message or a log field repeats. A message repeats at most two such parts.
MOST_ECHOED = 80
# Longest reason in an error response or a log line: room for our own words, for example a list of known labels.
MOST_REASON = 1000
# Not a registered status: it marks such requests in logs and metrics, and no client is left to read it.
CLIENT_CLOSED = 499


class ModelUnusableError(RuntimeError):
    """A role's model files, mounted configuration or environment variables are unusable; the message is one line."""


class UnreachableError(RuntimeError):
    """A dependency does not answer and may recover; the message is one line that says which one, where and why."""


def shown(given: object, most: int = MOST_ECHOED) -> str:
    """Return a part of a request for a message, cut to `most` characters."""
    text = str(given)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def fault_of(error: ValidationError) -> str:
    """Return the first fault of a validation as `where: rule`; `where` may hold keys of the request."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    return f"{shown(where)}: {first['msg']}"


def refusal(status: int, reason: str, *, retry: bool = False) -> HTTPException:
    """Return an error response; `retry` adds a Retry-After header."""
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if retry else None
    return HTTPException(status, shown(reason, MOST_REASON), headers=headers)


async def refused(request: Request, error: Exception) -> Response:
    """Return the response to an HTTPException."""
    if not isinstance(error, HTTPException):
        raise error
    request.scope[REASON] = error.detail
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def broken(request: Request, error: Exception) -> Response:
    """Return 500 for an internal error without exposing details; the log has the full traceback."""
    request.scope[REASON] = shown(repr(error))
    return JSONResponse({"error": "internal error; see the log of this pod"}, 500)


async def left(request: Request, _: Exception) -> Response:
    """Handle a client that closed the connection before its body was read."""
    request.scope[REASON] = "the client closed the connection"
    return Response(status_code=CLIENT_CLOSED)


HANDLERS = {HTTPException: refused, ClientDisconnect: left, 500: broken}
