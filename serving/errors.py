"""Refusals: every one is a JSON object with one line that says what was wrong and what to do."""

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

# Where the reason of a refusal waits in the ASGI scope for the access log.
REASON = "slipway.reason"
# What a client is told to wait: long enough for a burst to pass, short enough not to idle the service.
RETRY_AFTER_SECONDS = 1
# Not a registered status: nobody is left to read it, it tells such requests apart in logs and metrics.
CLIENT_CLOSED = 499


class ModelUnusableError(RuntimeError):
    """What a role needs to serve (model files, mounted configuration, variables) cannot be used; one line."""


class UnreachableError(RuntimeError):
    """A service or store that a role depends on does not answer; one line: which, where, why. It may come back."""


def refusal(status: int, reason: str, *, retry: bool = False) -> HTTPException:
    """An error answer; with `retry` it tells the client when to come back."""
    return HTTPException(status, reason, headers={"retry-after": str(RETRY_AFTER_SECONDS)} if retry else None)


async def refused(request: Request, error: Exception) -> Response:
    """Answer an HTTPException."""
    if not isinstance(error, HTTPException):
        raise error
    request.scope[REASON] = error.detail
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)


async def broken(request: Request, error: Exception) -> Response:
    """Answer an error of ours without showing its inside; the log has it whole."""
    request.scope[REASON] = repr(error)
    return JSONResponse({"error": "internal error; the log of this pod says more"}, 500)


async def left(request: Request, _: Exception) -> Response:
    """The client closed the connection before its body was read."""
    request.scope[REASON] = "the client closed the connection"
    return Response(status_code=CLIENT_CLOSED)


HANDLERS = {HTTPException: refused, ClientDisconnect: left, 500: broken}
