"""Has the driver of a stack turn back, from a machine that cannot send it a signal: through annotations of its Lease.

The driver sees a request with its next renewal (one second), says that it has taken it, goes back by its own record,
which is the newest, and leaves its answer as it releases the Lease. A driver that does not take the request within
:data:`PATIENCE_SECONDS`, or that stops renewing on the way, is fenced off: whoever asked takes the Lease over and goes
back itself.
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
"""For a driver to take a request: it looks every second, and a busy API server takes another."""
_AWAY_SECONDS = 600
"""How long an answer is waited for while the API server is away."""
_TRIES = 10
"""Writes of a request: the driver's renewals change the Lease every second."""
Turn = Literal["aborted", "rolled back"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody wants a release to go back."""

    service: str
    turn: Turn
    reason: str
    by: str
    id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def read(cls, text: str) -> "Request | None":
        """Understand an annotation; None where it is none of ours."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a request."""

    id: str
    result: str = ""
    """As of an outcome; empty = the driver has taken the request, and works on it."""
    said: str = ""

    @classmethod
    def read(cls, text: str) -> "Answer | None":
        """Understand an annotation; None where it is none of ours."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How asking ended."""

    holder: Holder | None = None
    """The driver that was asked; None = none works on the stack."""
    answer: Answer | None = None
    """Given by a driver that has gone back."""
    past: str | None = None
    """Identity of a driver that does not react: its Lease may be taken over at once."""


def text(said: Request | Answer) -> str:
    """Return an annotation's value."""
    return json.dumps(asdict(said))


def ask(lease: Lease, request: Request, on_asked: Callable[[Holder], None], gone: str = "") -> Asked:
    """Ask whoever holds the Lease, and wait until it is done, free, or fenced off.

    Args:
        lease: The stack's, held by somebody else or by nobody.
        request: What is asked for.
        on_asked: Is told who was asked.
        gone: Identity of a driver whose process is known to have ended: it is not asked.

    Raises:
        Busy: the Lease went to a third driver meanwhile.
        ClusterUnavailable: the API server went away, and stayed away, while the answer was waited for.
    """
    try:
        first = _put(lease, request, gone)
    except Busy:
        raise
    except DeliveryError:  # no Leases here, or the API server is away: what this machine knows has to do
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
    raise Busy(f"{lease.where}: it changes faster than a request can be written; run the command again")


class _Waiting:
    """For the answer of one driver."""

    def __init__(self, lease: Lease, request: Request, first: Seen) -> None:
        self._lease, self._request, self._first, self._clock = lease, request, first, lease.clock
        self._began = self._changed = self._clock()
        self._version = ""

    def wait(self) -> Asked:
        """Look until it has ended; raises Busy, or ClusterUnavailable where the API server stays away."""
        while True:
            self._lease.pause(LOOK_SECONDS)
            try:
                seen = self._lease.look()
            except ClusterUnavailable:
                if self._clock() - self._began > _AWAY_SECONDS:
                    raise
                self._changed = self._clock()  # nobody could renew either
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
            raise Busy(f"{seen.holder} has begun to work on it meanwhile; run the command again")
        if seen.version != self._version:
            self._version, self._changed = seen.version, now
        silent = now - self._changed > seen.duration
        if silent or (not taken and now - self._began > PATIENCE_SECONDS):
            return Asked(holder=holder, past=seen.identity)
        return None
