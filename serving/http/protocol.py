"""uvicorn's HTTP protocol with limits before admission.

uvicorn has no such limits for the parser httptools: `h11_max_incomplete_event_size` is for h11 alone,
`limit_concurrency` refuses requests but keeps all connections, and nothing limits the time of a head or an answer.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from serving.http.connections import Connections
from serving.telemetry.logs import with_fields

# Bytes that are read from one connection in one turn of the loop; asyncio reads 256 KiB. Many large uploads at once
# would make each turn long, and a small request takes several turns.
READ_BYTES = 64 * 1024

log = logging.getLogger("slipway.http")


def _nothing() -> None:
    """Do nothing."""


class HeadError(Exception):
    """A limit refuses a request while it is parsed."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def limited(connections: Connections) -> type[HttpToolsProtocol]:
    """Return the protocol class of a server, whose connections share their limits."""

    class OfThisServer(LimitedProtocol):
        shared = connections

    return OfThisServer


class LimitedProtocol(HttpToolsProtocol):
    """One connection.

    Of each request it counts the bytes received and the bytes of the body. The difference is head, chunk sizes, chunk
    extensions and trailers, none of which the parser limits.
    """

    shared: Connections

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.address = ""
        self.uploaded = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = False
        self._refused = False
        self._discarded = 0
        self._fault: HeadError | None = None
        self._received = self._body = self._head = 0

    @property
    def _current(self) -> RequestResponseCycle | None:
        """The newest request, or None; uvicorn declares `cycle` as if there always were one."""
        return self.cycle

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not read."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept the connection if there is room, and expect a request."""
        super().connection_made(transport)
        cast("Any", transport).max_size = READ_BYTES
        self.address = self.client[0] if self.client else ""
        if not self.shared.opened(self):
            self.refuse(503, "too many connections; retry later")
            transport.close()
            return
        # The first request may come as late as a later one: proxies open connections before they need them.
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._expect(None)
        self._unset_keepalive_if_required()
        self._release()
        self.shared.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse arrived bytes, but discard bytes after a refusal and the rest of a body that no handler reads."""
        limits = self.shared.limits
        if self._refused or self._lingers():
            self._discarded += len(data)
            if self._discarded > limits.linger_bytes:
                self.transport.abort()
        if self._refused or self.transport.is_closing():
            return
        self._received += len(data)
        super().data_received(data)
        if self._refused:
            return
        if self._in_head:
            if self._received > limits.head:
                fault = self._large_head()
                self.refuse(fault.status, fault.reason)
            elif self._deadline is None:  # most heads arrive as a whole, and a timer costs more than the rest of this
                self._expect(limits.head_seconds, self._late_head)
        elif self._received - self._body > 2 * limits.head + self._body:
            self.refuse(400, "chunk sizes, extensions and trailers are larger than the body; send larger chunks")
        elif self._idle() and self.timeout_keep_alive_task is None:  # line breaks between requests
            self._expect_request()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed or that a limit refuses."""
        fault = self._fault or HeadError(400, "this is not HTTP/1.1")
        del msg  # uvicorn's own words
        self.refuse(fault.status, fault.reason)

    def refuse(self, status: int, reason: str) -> None:
        """Send an error response, unless a response has begun, and close the connection."""
        if self._refused or self.transport.is_closing():
            self.transport.abort()
            return
        log.warning("refused before admission", extra=with_fields(status=status, reason=reason))
        self.shared.refused(status)
        cycle = self._current
        begun = cycle is not None and cycle.response_started and not cycle.response_complete
        if begun or self.pipeline or self.unsent:
            self.transport.abort()
        else:
            body = json.dumps({"error": reason}).encode()
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[status] + head + body)
            # Closing now would reset the connection if more bytes arrive, and the client might not see the answer.
            self.transport.write_eof()
            self._expect(self.shared.limits.linger_seconds, self.transport.abort)
        self._end_request()

    def drop(self) -> None:
        """Close the connection without an answer."""
        ended = self._refused or self.transport.is_closing()
        self.transport.abort()
        if not ended:
            self._end_request()

    def on_message_begin(self) -> None:
        """Begin a head, which has a deadline of its own."""
        super().on_message_begin()
        self._in_head = True
        self._head = 0
        self._expect(None)

    def on_url(self, url: bytes) -> None:
        """Collect the request's target."""
        if len(self.url) + len(url) > self.shared.limits.url:
            raise self._refusal(414, f"the URL is longer than {self.shared.limits.url} bytes; shorten it")
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header or a trailer."""
        limits = self.shared.limits
        self._head += len(name) + len(value)
        if self._head > limits.head:
            raise self._large_head()
        if len(self.headers) >= limits.headers:
            raise self._refusal(431, f"the head has more than {limits.headers} headers; send fewer")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._in_head = False
        self._expect(None)
        if len(self.pipeline) >= self.shared.limits.pipelined:
            raise self._refusal(429, f"more than {self.shared.limits.pipelined} pipelined requests; wait for answers")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count a part of the body, and keep it only while a handler may read it."""
        self._body += len(body)
        if self._refused or self.cycle.response_complete:
            return
        super().on_body(body)
        self.uploaded += len(body)
        self.shared.received(self, len(body))

    def on_message_complete(self) -> None:
        """Mark the request as arrived; uvicorn also calls this for a request that is answered already."""
        super().on_message_complete()
        self._received = self._body = self._discarded = 0
        if self.cycle.response_complete:
            self.cycle.more_body = False
            self._expect_next()
        else:
            self.shared.works(self)

    def on_response_complete(self) -> None:
        """Free the request, and limit the time for its answer and for the rest of a body that no handler reads."""
        super().on_response_complete()
        self._release()
        if self.transport.is_closing():  # after the answer; the client may never read it
            self._expect(self.shared.limits.send_seconds, self.transport.abort)
            return
        if self.pipeline or not self.cycle.response_complete:
            return
        self.shared.waits(self)
        if self.cycle.more_body:
            self._unset_keepalive_if_required()
            self._expect(self.shared.limits.linger_seconds, self.transport.abort)
        else:
            self._expect_next()

    def _idle(self) -> bool:
        cycle = self._current
        return not self._in_head and (cycle is None or (cycle.response_complete and not cycle.more_body))

    def _lingers(self) -> bool:
        """Return whether the rest of a body arrives after the answer."""
        cycle = self._current
        return cycle is not None and cycle.response_complete and cycle.more_body and not self._in_head

    def _expect_next(self) -> None:
        """Wait for the next request. A head that has begun keeps its own deadline."""
        if self._in_head:
            return
        if self.unsent:
            self._expect(self.shared.limits.send_seconds, self._untaken)
        else:
            self._expect(None)

    def _expect_request(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _large_head(self) -> HeadError:
        most = self.shared.limits.head
        return self._refusal(431, f"the head is larger than {most} bytes; send fewer or shorter headers")

    def _untaken(self) -> None:
        if self.unsent:
            self.transport.abort()

    def _late_head(self) -> None:
        self.refuse(408, f"the head did not arrive within {self.shared.limits.head_seconds:g} s; send it faster")

    def _expect(self, seconds: float | None, otherwise: Callable[[], None] = _nothing) -> None:
        """Set the only deadline of this connection, or remove it."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, otherwise)

    def _end_request(self) -> None:
        """End the current request; a handler that reads its body learns that the client is gone."""
        self._refused = True
        if (cycle := self._current) is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        self._release()

    def _release(self) -> None:
        """Free the body of the request that was answered or refused."""
        uploaded, self.uploaded = self.uploaded, 0
        cycle = self._current
        if cycle is not None and (cycle.response_complete or self._refused):
            cycle.body = bytearray()
        self.shared.answered(self, uploaded)

    def _refusal(self, status: int, reason: str) -> HeadError:
        self._fault = HeadError(status, reason)
        return self._fault
