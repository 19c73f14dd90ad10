"""The trace of a request, as every layer may know it. `serving.http.spans` sends it, where that is configured."""

from collections.abc import Callable, MutableMapping
from contextvars import ContextVar

# Where a request's trace identifier waits in the ASGI scope for the access log.
TRACE = "slipway.trace"
# Writes W3C trace headers of the request that is being answered; None: it is not traced.
_inject: ContextVar[Callable[[MutableMapping[str, str]], None] | None] = ContextVar("inject", default=None)


def belongs_to(inject: Callable[[MutableMapping[str, str]], None]) -> None:
    """From here on, calls made for this request carry its trace."""
    _inject.set(inject)


def mark(headers: MutableMapping[str, str]) -> None:
    """Add the trace headers of the request that is being answered to an outgoing call; nothing without tracing."""
    inject = _inject.get()
    if inject is not None:
        inject(headers)
