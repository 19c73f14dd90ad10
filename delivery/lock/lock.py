"""Holding a stack: a lock on a local file, which the kernel frees with its process, and a Lease for all machines.

The file is the fast path. It refuses a second driver of the same checkout at once, and a driver whose predecessor it
names need not wait for that one's Lease to expire. Whoever only looks takes neither.
"""

import fcntl
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from delivery.errors import Busy, ClusterUnavailable, DeliveryError, Lost
from delivery.lock import lease_notes, signals, turn_back_request
from delivery.lock.holder import Holder
from delivery.lock.lease import DURATION_SECONDS, LOOK_SECONDS, RENEW_SECONDS, Lease, Seen, monotonic, noted
from delivery.lock.turn_back_request import Answer, Request

_SURE_SECONDS = 10.0
"""After its last renewal a driver may still write its own stack file without asking: nobody has taken the Lease over
for having expired. client-go's ``RenewDeadline``."""
_NAMED = {"pid", "identity", "since", "started"}
"""What the lock's file says of its holder."""
_AWAY_SECONDS = 600
"""How long a driver waits for an API server that does not say whose the stack is."""


def tell(said: str) -> None:
    """Say what is lost, on standard error."""
    sys.stderr.write(f"slipway: {said}\n")


def _interrupt() -> None:
    signals.interrupt(os.getpid())


@dataclass
class Lock:
    """The lock of one stack, as one process holds it."""

    file: Path
    stack: str
    lease: Callable[[Holder], Lease]
    """Gives the stack's Lease for a driver; raises DeliveryError where there is no cluster."""
    tell: Callable[[str], None] = tell
    interrupt: Callable[[], None] = _interrupt
    """Ends what the driver does now, as ^C would."""
    driving: str = ""
    """The service whose release this driver carries on; the Lease says until when it did."""
    _lease: Lease | None = field(default=None, init=False)
    _request: Request | None = field(default=None, init=False)
    _records: dict[str, Any] = field(default_factory=dict[str, Any], init=False)

    @contextmanager
    def held(self, past: str | None = None) -> Generator[None]:
        """Hold the stack. ``past`` is the identity of a driver elsewhere whose Lease is taken over without waiting.

        Raises:
            Busy: another driver holds it, on this machine or on another one.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._busy(f"{self.local() or 'which has just begun'}") from None
            gone = _said(stream).get("identity")
            holder = Holder.here()
            _say(stream, holder)
            try:
                self._acquire(holder, past or gone)
                with self._renewed():
                    yield
            finally:
                stream.truncate(0)

    def _acquire(self, holder: Holder, past: str | None) -> None:
        self._lease, self._request, self._records = None, None, {}
        lease: Lease | None = None
        try:
            lease = self.lease(holder)
            lease.past = past
            lease.acquire()
        except Busy as busy:
            raise self._busy(str(busy)) from None
        except ClusterUnavailable as error:
            self._lease = lease
            self.tell(f"stack {self.stack}: no lock keeps other machines away until the API server answers: {error}")
        except DeliveryError as error:
            self.tell(
                f"stack {self.stack}: no lock keeps drivers on other machines away, and slipway abort does not reach "
                f"them: {error}; allow get, create and update of leases.coordination.k8s.io in the namespace that "
                "slipway:cluster.lockNamespace names"
            )
        else:
            self._lease = lease
            self._records = lease_notes.records_of(lease.held)

    @contextmanager
    def _renewed(self) -> Generator[None]:
        lease, over = self._lease, threading.Event()
        if lease is None:
            yield
            return
        thread = threading.Thread(target=self._renew, args=(lease, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self._lease = None
            with suppress(KeyboardInterrupt):  # asked to turn back as it ended: who asked finds the Lease free
                thread.join()
            with suppress(DeliveryError):
                lease.release()

    def _renew(self, lease: Lease, over: threading.Event) -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                self._note_driven(lease)
                lease.confirm()
                heard = self._hear(lease)
            except Busy:
                heard = True
            except DeliveryError:  # away: the next write waits for it
                continue
            if heard and not over.is_set():
                self.interrupt()
            if lease.lost:
                return

    def _note_driven(self, lease: Lease) -> None:
        if self.driving:
            driven = lease_notes.driven_of(lease.held) | {self.driving: datetime.now(UTC).isoformat(timespec="seconds")}
            lease.note(driven=json.dumps(driven))

    def _hear(self, lease: Lease) -> bool:
        """Take a request that is new; whether there is one."""
        request = Request.read(noted(lease.held, "request")) if lease.held else None
        if request is None or (self._request is not None and self._request.id == request.id):
            return False
        self._request = request
        lease.note(request=None, answer=turn_back_request.text(Answer(id=request.id)))
        lease.confirm()
        return True

    def asked(self, service: str) -> Request | None:
        """Return the request for which the driver was interrupted; None where it was not, or works on another service.

        Raises:
            Lost: it was interrupted because another driver took the stack over.
        """
        if self._lease is not None and self._lease.lost:
            raise self._fenced(self._lease.lost)
        return self._request if self._request is not None and self._request.service == service else None

    def answer(self, result: str, said: str) -> None:
        """Tell whoever asked how it ended; written as the stack is released."""
        if self._lease is not None and self._request is not None:
            self._lease.note(answer=turn_back_request.text(Answer(id=self._request.id, result=result, said=said)))

    def confirm(self) -> None:
        """Make sure, before a write to the cluster, that the stack is still this driver's.

        Raises:
            Lost: it is not.
            ClusterUnavailable: the API server does not answer.
        """
        if self._lease is not None:
            try:
                self._lease.confirm()
            except Busy as busy:
                raise self._fenced(str(busy)) from None

    def record(self, service: str, record: dict[str, Any]) -> None:
        """Make sure, before a write of the stack file, that the stack is still this driver's, and note it on the Lease.

        While the API server is away, the file may be written until the Lease could have expired; then this waits.

        Raises:
            Lost: the stack is another driver's.
            ClusterUnavailable: the API server stays away.
        """
        lease = self._lease
        if lease is None:
            return None
        self._records[service] = record
        lease.note(record=lease_notes.bounded(self._records))
        self._note_driven(lease)
        end = monotonic() + _AWAY_SECONDS
        while True:
            try:
                return self.confirm()
            except Lost:
                raise
            except DeliveryError:
                if lease.held is None or monotonic() - lease.confirmed < _SURE_SECONDS:
                    return None
                if monotonic() > end:
                    raise
            time.sleep(LOOK_SECONDS)

    def _fenced(self, said: str) -> Lost:
        return Lost(f"stack {self.stack}: {said}; this driver writes nothing more: slipway status {self.stack}")

    def _busy(self, said: str) -> Busy:
        return Busy(
            f"stack {self.stack}: another slipway works on it ({said.removesuffix(' works on it')}); wait for it, "
            f"look at `slipway status {self.stack}`, or have it turn back: `slipway abort {self.stack} …`"
        )

    @property
    def held_lease(self) -> Seen | None:
        """The Lease as this driver wrote it last; None without one."""
        return self._lease.held if self._lease is not None else None

    def local(self) -> Holder | None:
        """Who drives the stack from this checkout, on this machine; None = nobody. Takes no lock."""
        with suppress(FileNotFoundError), self.file.open() as stream:
            said = _said(stream)
            if said.keys() >= _NAMED and signals.runs(int(said["pid"]), float(said["started"])):
                return Holder.read(str(said["identity"]), datetime.fromisoformat(said["since"]))
        return None

    def gone(self) -> str:
        """Identity of the driver that worked on the stack last in this checkout, if its process has ended."""
        with suppress(FileNotFoundError), self.file.open() as stream:
            if self.local() is None:
                return str(_said(stream).get("identity", ""))
        return ""

    def elsewhere(self) -> Lease | None:
        """Return the Lease for whoever asks its holder for something; None where there is no cluster."""
        try:
            return self.lease(Holder.here())
        except DeliveryError:
            return None

    def seen(self) -> Seen | None:
        """Read the Lease; None where there is none, or none can be read."""
        try:
            return self.lease(Holder.here()).look()
        except DeliveryError:
            return None

    def owner(self) -> Holder | None:
        """Return who drives the stack, on any machine; None if no driver can be seen."""
        if (local := self.local()) is not None:
            return local
        seen = self.seen()
        return seen.holder if seen is not None and seen.holder is not None and self._works(seen) else None

    def _works(self, seen: Seen) -> bool:
        """Whether a Lease is renewed. Where its time and this machine's clock do not tell, look again soon after."""
        if self.gone() == seen.identity:
            return False
        age = (datetime.now(UTC) - seen.renewed).total_seconds() if seen.renewed else DURATION_SECONDS
        if 0 <= age < 3 * RENEW_SECONDS:
            return True
        time.sleep(2 * RENEW_SECONDS)
        again = self.seen()
        return again is not None and again.version != seen.version


def _said(stream: IO[str]) -> dict[str, Any]:
    """Read whom the lock's file names; nothing where nobody does, or a version of the program before this one."""
    stream.seek(0)
    return lease_notes.mapping(stream.read())


def _say(stream: IO[str], holder: Holder) -> None:
    stream.truncate(0)
    since = holder.since.isoformat() if holder.since else ""
    said = {"pid": holder.pid, "identity": holder.identity, "since": since, "started": signals.started(holder.pid)}
    stream.write(json.dumps(said))
    stream.flush()
