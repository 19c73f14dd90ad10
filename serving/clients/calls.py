"""Calls of one service to another that its entry declares: `<CALLEE>_ADDRESS`, with the request's trace in the headers.

Connections are kept, but for less time than the callee keeps them, and a connection that cannot be made is tried once
more: a callee's pod that stops is replaced without a failed call.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import httpx

from serving.errors import UnreachableError
from serving.role.payload import Context
from serving.telemetry.tracing import mark

CONNECT_SECONDS = 2.0
CONNECT_RETRIES = 1
MOST_CONNECTIONS = 100


def client(context: Context, callee: str, *, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """A client for worker threads, as many as there are; paths are relative to the callee. Close it in `close`.

    Raises:
        ModelUnusableError: the call is not declared.
    """

    def traced(request: httpx.Request) -> None:
        mark(request.headers)

    return httpx.Client(
        base_url=_base(context, callee),
        timeout=_timeout(context),
        transport=httpx.HTTPTransport(retries=CONNECT_RETRIES, limits=_limits()),
        event_hooks={"request": [traced]},
        headers=headers,
        trust_env=False,
    )


def async_client(context: Context, callee: str, *, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client for `Service.orchestrate`; paths are relative to the callee.

    Raises:
        ModelUnusableError: the call is not declared.
    """

    async def traced(request: httpx.Request) -> None:
        mark(request.headers)

    return httpx.AsyncClient(
        base_url=_base(context, callee),
        timeout=_timeout(context),
        transport=httpx.AsyncHTTPTransport(retries=CONNECT_RETRIES, limits=_limits()),
        event_hooks={"request": [traced]},
        headers=headers,
        trust_env=False,
    )


@contextmanager
def answering(callee: str) -> Generator[None]:
    """Turn a call that found nobody, or got no answer in time, into an UnreachableError that names the callee."""
    try:
        yield
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise UnreachableError(f"{callee}: does not answer ({reason})") from error


def _base(context: Context, callee: str) -> str:
    address = context.address(callee)
    return f"http://{address.host}:{address.port}"


def _timeout(context: Context) -> httpx.Timeout:
    """No longer than the caller's own request may take: an answer after that helps nobody."""
    limit = context.settings.request_timeout_seconds
    return httpx.Timeout(limit, connect=min(CONNECT_SECONDS, limit))


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
