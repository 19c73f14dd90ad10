"""Error responses: each is a JSON object with one line that states the fault and the remedy."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

# ASGI scope key under which the access log finds the reason for an error response.
REASON = "slipway.reason"
# Value of the Retry-After header: long enough for a burst to pass, short enough not to leave the service idle.
RETRY_AFTER_SECONDS = 1
# Not a registered status: it marks such requests in logs and metrics, and no client is left to read it.
CLIENT_CLOSED = 499


class ModelUnusableError(RuntimeError):
    """A role's model files, mounted configuration or environment variables are unusable; the message is one line."""


class UnreachableError(RuntimeError):
    """A dependency does not answer and may recover; the message is one line that says which one, where and why."""


def refusal(status: int, reason: str, *, retry: bool = False) -> HTTPException:
    """Return an error response; `retry` adds a Retry-After header."""
    return HTTPException(status, reason, headers={"retry-after": str(RETRY_AFTER_SECONDS)} if retry else None)


async def refused(request: Request, error: Exception) -> Response:
    """Return the response to an HTTPException."""
    if not isinstance(error, HTTPException):
        raise error
    request.scope[REASON] = error.detail
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def broken(request: Request, error: Exception) -> Response:
    """Return 500 for an internal error without exposing details; the log has the full traceback."""
    request.scope[REASON] = repr(error)
    return JSONResponse({"error": "internal error; see the log of this pod"}, 500)


async def left(request: Request, _: Exception) -> Response:
    """Handle a client that closed the connection before its body was read."""
    request.scope[REASON] = "the client closed the connection"
    return Response(status_code=CLIENT_CLOSED)


HANDLERS = {HTTPException: refused, ClientDisconnect: left, 500: broken}
