"""Limits on a server's connections: their number, also per client, and the memory of their uploads and answers.

At a limit, the server closes the connection that has waited longest for its client: one that is idle, that sends its
head or body slowly, or that does not read its answer. A request that has arrived is never dropped for another one.
"""

import resource
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MEBIBYTE = 1 << 20
_OTHER_FILES = 128


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits before admission. Sizes in bytes, times in seconds.

    head: Request line and headers together; nginx and Apache allow 8 KiB for each line.
    url: The request line's path and query.
    headers: Lines of one head, trailers included.
    head_seconds: From the first byte of a head to its end.
    send_seconds: From the end of an answer until the client has read it.
    linger_seconds, linger_bytes: How long, and how many bytes, the server still accepts after a refusal or of a body
        that no handler reads. A client that sends its whole body before it reads then gets its answer.
    pipelined: Requests of one connection that wait for earlier answers.
    connections: Of all clients.
    per_client: Connections of one address. Behind a proxy, all requests have the proxy's address.
    uploads: Bodies of all unanswered requests together.
    unsent: Answers that clients have not read, together.
    """

    head: int = 16 * 1024
    url: int = 8 * 1024
    headers: int = 100
    head_seconds: float = 10
    send_seconds: float = 30
    linger_seconds: float = 5
    linger_bytes: int = 16 * MEBIBYTE
    pipelined: int = 16
    connections: int = 512
    per_client: int = 256
    uploads: int = 96 * MEBIBYTE
    unsent: int = 32 * MEBIBYTE

    @classmethod
    def for_requests(cls, admitted: int) -> "Limits":
        """Return the limits of a server that admits this many requests: four connections each, two of one client.

        The process reserves some of its files for models, logs and outgoing calls.
        """
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OTHER_FILES
        connections = max(1, min(files, max(cls.connections, 4 * admitted)))
        return cls(connections=connections, per_client=min(connections, max(cls.per_client, 2 * admitted)))


class Connection(Protocol):
    """A connection, as `Connections` uses it."""

    @property
    def address(self) -> str:
        """The client's address."""
        ...

    @property
    def uploaded(self) -> int:
        """Bytes of the body of the request that is not answered yet."""
        ...

    @property
    def unsent(self) -> int:
        """Bytes of answers that the client has not read."""
        ...

    def refuse(self, status: int, reason: str) -> None:
        """Send an error response, unless a response has begun, and close the connection."""
        ...

    def drop(self) -> None:
        """Close the connection without an answer."""
        ...


class Connections:
    """The open connections of one server. Only the event loop accesses it."""

    def __init__(self, limits: Limits, refused: Callable[[int], None] = lambda _: None) -> None:
        self.limits = limits
        self.refused = refused
        self.count = 0
        self.uploads = 0
        # Open connections, and those that wait for their client, by the client's address. The latter are in the order
        # in which they began to wait.
        self._open: dict[str, set[Connection]] = {}
        self._waiting: dict[str, dict[Connection, None]] = {}
        # Connections whose clients have not read their answers, in the order of the answers.
        self._untaken: dict[Connection, None] = {}

    def opened(self, connection: Connection) -> bool:
        """Add a connection, and close another one at a limit; return False if none can be closed."""
        address, limits = connection.address, self.limits
        crowded = None
        if len(self._open.get(address, ())) >= limits.per_client:
            crowded = address
        elif self.count >= limits.connections:
            crowded = max(self._open, key=lambda client: len(self._open[client]))
        if crowded is not None and not self._close_one(crowded):
            return False
        self._open.setdefault(address, set()).add(connection)
        self.count += 1
        self.waits(connection)
        return True

    def closed(self, connection: Connection) -> None:
        """Remove a connection that is closed."""
        address = connection.address
        own = self._open.get(address, set())
        if connection in own:
            own.remove(connection)
            self.count -= 1
        self.works(connection)
        self._untaken.pop(connection, None)
        self._forget_client(address)

    def waits(self, connection: Connection) -> None:
        """Mark a connection as waiting for its client."""
        waiting = self._waiting.setdefault(connection.address, {})
        waiting.pop(connection, None)
        waiting[connection] = None

    def works(self, connection: Connection) -> None:
        """Mark a connection as busy: its request has arrived."""
        self._waiting.get(connection.address, {}).pop(connection, None)

    def received(self, connection: Connection, count: int) -> None:
        """Count bytes of a body; above the limit, refuse the largest body that is still arriving."""
        self.uploads += count
        if self.uploads > self.limits.uploads:
            sending = (one for waiting in self._waiting.values() for one in waiting if one.uploaded)
            largest = max(sending, key=lambda one: one.uploaded, default=connection)
            largest.refuse(503, "all memory for uploads is in use; retry later")

    def answered(self, connection: Connection, uploaded: int) -> None:
        """Release the memory of a body, and count the bytes of the answer that the client has not read."""
        self.uploads -= uploaded
        if connection.unsent:
            self._untaken[connection] = None
            while self._unsent() > self.limits.unsent:
                first = next(iter(self._untaken))
                del self._untaken[first]
                first.drop()

    def _unsent(self) -> int:
        self._untaken = {one: None for one in self._untaken if one.unsent}
        return sum(one.unsent for one in self._untaken)

    def _close_one(self, address: str) -> bool:
        victim = next(iter(self._waiting.get(address, {})), None)
        if victim is None:
            return False
        victim.drop()
        self.closed(victim)
        return True

    def _forget_client(self, address: str) -> None:
        if not self._open.get(address):
            self._open.pop(address, None)
            self._waiting.pop(address, None)
