"""Asks a driver on another machine to turn back, through annotations of the stack's Lease.

The driver reads the request with its next renewal (one second) and accepts it. It turns back by its own record, which
is the newest, and writes its answer when it releases the Lease. A driver that does not accept the request within
:data:`PATIENCE_SECONDS`, or that stops renewing on the way back, is fenced off: the sender of the request takes over
the Lease and turns the release back itself.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Literal
from uuid import uuid4

from delivery.errors import Busy, ClusterUnavailable, DeliveryError, StaleObject
from delivery.lock.holder import Holder
from delivery.lock.lease import LOOK_SECONDS, Lease, Seen, noted

PATIENCE_SECONDS = 4.0
"""Time for a driver to accept a request: it reads the Lease every second, and a busy API server takes one more."""
_AWAY_SECONDS = 600
"""How long the sender waits for an answer while the API server is away."""
_TRIES = 10
"""Attempts to write a request, because the driver's renewals change the Lease every second."""
Turn = Literal["aborted", "rolled back"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to turn a release back."""

    service: str
    turn: Turn
    reason: str
    by: str
    id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def read(cls, text: str) -> "Request | None":
        """Parse an annotation; return None if it is not a request."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The driver's answer to a request."""

    id: str
    result: str = ""
    """The result of the outcome; empty = the driver has accepted the request and is turning back."""
    said: str = ""

    @classmethod
    def read(cls, text: str) -> "Answer | None":
        """Parse an annotation; return None if it is not an answer."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The outcome of a request."""

    holder: Holder | None = None
    """The driver that was asked; None = no driver works on the stack."""
    answer: Answer | None = None
    """The answer of a driver that has turned back; None = no answer."""
    past: str | None = None
    """Identity of a driver that does not react, so that its Lease may be taken over at once."""


def text(said: Request | Answer) -> str:
    """Return a request or an answer as an annotation's value."""
    return json.dumps(asdict(said))


def ask(lease: Lease, request: Request, on_asked: Callable[[Holder], None], gone: str = "") -> Asked:
    """Send a request to the holder of the Lease, and wait for an answer, a free Lease or a driver that does not react.

    Args:
        lease: The stack's Lease, held by another driver or by nobody.
        request: The request to send.
        on_asked: Called with the driver that was asked.
        gone: Identity of a driver whose process is known to have ended; it is not asked.

    Raises:
        Busy: a third driver acquired the Lease in the meantime, or the request could not be written.
        ClusterUnavailable: the API server went away during the wait for the answer, and stayed away.
    """
    try:
        first = _put(lease, request, gone)
    except Busy:
        raise
    except DeliveryError:  # no Leases here, or the API server is away: only the local lock is known
        return Asked()
    if first is None or first.holder is None:
        return Asked()
    on_asked(first.holder)
    return _Waiting(lease, request, first).wait()


def _put(lease: Lease, request: Request, gone: str) -> Seen | None:
    for _ in range(_TRIES):
        seen = lease.look()
        if seen is None or seen.identity in ("", gone):
            return None
        try:
            lease.ask(seen, request=text(request))
        except StaleObject:
            continue
        return seen
    raise Busy(f"{lease.where}: keeps changing while a request is being written; run the command again")


class _Waiting:
    """Waits for the answer of one driver."""

    def __init__(self, lease: Lease, request: Request, first: Seen) -> None:
        self._lease, self._request, self._first, self._clock = lease, request, first, lease.clock
        self._began = self._changed = self._clock()
        self._version = ""

    def wait(self) -> Asked:
        """Read the Lease until the request has ended; raises Busy, or ClusterUnavailable if no API server answers."""
        while True:
            self._lease.pause(LOOK_SECONDS)
            try:
                seen = self._lease.look()
            except ClusterUnavailable:
                if self._clock() - self._began > _AWAY_SECONDS:
                    raise
                self._changed = self._clock()  # the driver could not renew the Lease either
                continue
            if (asked := self._ended(seen)) is not None:
                return asked

    def _ended(self, seen: Seen | None) -> Asked | None:
        holder, now = self._first.holder, self._clock()
        answer = Answer.read(noted(seen, "answer")) if seen is not None else None
        taken = answer is not None and answer.id == self._request.id
        if taken and answer is not None and answer.result:
            return Asked(holder=holder, answer=answer)
        if seen is None or not seen.identity:
            return Asked(holder=holder)
        if (seen.identity, seen.token) != (self._first.identity, self._first.token):
            raise Busy(f"{self._lease.where}: {seen.holder} acquired it in the meantime; run the command again")
        if seen.version != self._version:
            self._version, self._changed = seen.version, now
        silent = now - self._changed > seen.duration
        if silent or (not taken and now - self._began > PATIENCE_SECONDS):
            return Asked(holder=holder, past=seen.identity)
        return None
