"""Error responses: JSON objects whose one line states the fault and the remedy."""

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
# nginx's status for a client that closed the connection. It appears only in logs and metrics: no client reads it.
CLIENT_CLOSED = 499


class ModelUnusableError(RuntimeError):
    """A role's model files, mounted configuration or environment variables are unusable; the message is one line."""


class UnreachableError(RuntimeError):
    """A dependency does not answer and may recover; the message is one line that says which one, where and why."""


def shown(given: object, most: int = MOST_ECHOED) -> str:
    """Return a part of a request for a message, shortened to `most` characters."""
    text = str(given)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def fault_of(error: ValidationError, whole: str = "body") -> str:
    """Return the first fault of a validation as `where: rule`; `whole` names the document as a whole."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return f"{shown(where)}: {first['msg']}"


def refusal(status: int, reason: str, *, retry: bool = False) -> HTTPException:
    """Return an error response; `retry` adds a Retry-After header."""
    headers = {"retry-after": str(RETRY_AFTER_SECONDS)} if retry else None
    return HTTPException(status, shown(reason, MOST_REASON), headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    request.scope[REASON] = error.detail
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def _internal_error(request: Request, error: Exception) -> Response:
    """Return 500 without details: the log has the traceback."""
    request.scope[REASON] = shown(repr(error))
    return JSONResponse({"error": "internal error; see the log of this pod"}, 500)


async def _client_closed(request: Request, _: Exception) -> Response:
    request.scope[REASON] = "the client closed the connection"
    return Response(status_code=CLIENT_CLOSED)


HANDLERS = {HTTPException: _http_error, ClientDisconnect: _client_closed, 500: _internal_error}
"""Exception handlers of every application: each error is one JSON object, and the access log names its reason."""
