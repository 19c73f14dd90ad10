"""The trace of the current request, available to every layer. `serving.http.spans` exports it where configured."""

from collections.abc import Callable, MutableMapping
from contextvars import ContextVar

# ASGI scope key under which the access log finds the request's trace identifier.
TRACE = "slipway.trace"
# Writes the W3C trace headers of the current request; None if the request is not traced.
_inject: ContextVar[Callable[[MutableMapping[str, str]], None] | None] = ContextVar("inject", default=None)


def set_injector(inject: Callable[[MutableMapping[str, str]], None]) -> None:
    """Set the function that adds trace headers to outgoing calls of the current request."""
    _inject.set(inject)


def add_trace_headers(headers: MutableMapping[str, str]) -> None:
    """Add the current request's trace headers to an outgoing call; do nothing without tracing."""
    inject = _inject.get()
    if inject is not None:
        inject(headers)
