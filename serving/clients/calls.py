"""Clients for the calls that an entry declares from one service to another, at the address in `<CALLEE>_ADDRESS`.

Each call carries the request's trace in its headers. Connections are kept alive for less time than the callee keeps
them, and a failed connection attempt is retried once: no call fails when one of the callee's pods is replaced.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import httpx

from serving.errors import UnreachableError
from serving.role.payload import Context
from serving.telemetry.tracing import add_trace_headers

CONNECT_SECONDS = 2.0
CONNECT_RETRIES = 1
MOST_CONNECTIONS = 100


def client(context: Context, callee: str, *, headers: Mapping[str, str] | None = None) -> httpx.Client:
    """Return a client that all worker threads may share, with paths relative to the callee. Close it in `close`.

    Raises:
        ModelUnusableError: the call is not declared.
    """

    def traced(request: httpx.Request) -> None:
        add_trace_headers(request.headers)

    return httpx.Client(
        base_url=_base(context, callee),
        timeout=_timeout(context),
        transport=httpx.HTTPTransport(retries=CONNECT_RETRIES, limits=_limits()),
        event_hooks={"request": [traced]},
        headers=headers,
        trust_env=False,
    )


def async_client(context: Context, callee: str, *, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """Return a client for `Service.orchestrate`, with paths relative to the callee.

    Raises:
        ModelUnusableError: the call is not declared.
    """

    async def traced(request: httpx.Request) -> None:
        add_trace_headers(request.headers)

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
    """Turn a failed connection or a timeout into an UnreachableError that names the callee."""
    try:
        yield
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise UnreachableError(f"{callee}: does not answer ({reason})") from error


def _base(context: Context, callee: str) -> str:
    address = context.address(callee)
    return f"http://{address.host}:{address.port}"


def _timeout(context: Context) -> httpx.Timeout:
    """Return a timeout no longer than the caller's own request may take: nobody waits for a later answer."""
    limit = context.settings.request_timeout_seconds
    return httpx.Timeout(limit, connect=min(CONNECT_SECONDS, limit))


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS)
