"""Locks a stack: a lock on a local file, which the kernel releases with the process, and a Lease for all machines.

The file is the fast path. It refuses a second driver of the same checkout at once. It also names the previous driver,
so that the next driver need not wait for the previous driver's Lease to expire. Read-only commands acquire neither.
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
"""How long after its last renewal a driver may write its own stack file without asking: until then, the Lease has not
expired, so nobody has taken it over. client-go's ``RenewDeadline``."""
_NAMED = {"pid", "identity", "since", "started"}
"""Fields of the lock file that describe its holder."""
_AWAY_SECONDS = 600
"""How long a driver waits for the API server to confirm which driver holds the stack."""


def tell(said: str) -> None:
    """Write a warning about a missing lock to standard error."""
    sys.stderr.write(f"slipway: {said}\n")


def _interrupt() -> None:
    signals.interrupt(os.getpid())


@dataclass
class Lock:
    """The lock of one stack, as one process holds it."""

    file: Path
    stack: str
    lease: Callable[[Holder], Lease]
    """Returns the stack's Lease for a driver; raises DeliveryError if there is no cluster."""
    tell: Callable[[str], None] = tell
    interrupt: Callable[[], None] = _interrupt
    """Interrupts the driver's current action, as ^C would."""
    driving: str = ""
    """The service whose release this driver carries out; the Lease notes when the driver last worked on it."""
    _lease: Lease | None = field(default=None, init=False)
    _request: Request | None = field(default=None, init=False)
    _records: dict[str, Any] = field(default_factory=dict[str, Any], init=False)

    @contextmanager
    def held(self, past: str | None = None) -> Generator[None]:
        """Hold the lock. ``past`` is the identity of a driver elsewhere whose Lease is taken over without waiting.

        Raises:
            Busy: another driver holds the stack, on this machine or another one.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a+", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._busy(f"{self.local() or 'just started'}") from None
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
            self.tell(
                f"stack {self.stack}: the lock does not cover other machines until the API server answers: {error}"
            )
        except DeliveryError as error:
            self.tell(
                f"stack {self.stack}: the lock does not cover other machines, and slipway abort does not reach drivers "
                f"there: {error}; allow get, create and update of leases.coordination.k8s.io in the namespace that "
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
            with suppress(KeyboardInterrupt):  # a request came too late: its sender finds the Lease free
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
            except DeliveryError:  # the API server is away: the next write waits for it
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
        """Accept a new request to turn back, and return whether there is one."""
        request = Request.read(noted(lease.held, "request")) if lease.held else None
        if request is None or (self._request is not None and self._request.id == request.id):
            return False
        self._request = request
        lease.note(request=None, answer=turn_back_request.text(Answer(id=request.id)))
        lease.confirm()
        return True

    def asked(self, service: str) -> Request | None:
        """Return the request that interrupted the driver; None if there is none, or if it names another service.

        Raises:
            Lost: the driver was interrupted because another driver took over the stack.
        """
        if self._lease is not None and self._lease.lost:
            raise self._fenced(self._lease.lost)
        return self._request if self._request is not None and self._request.service == service else None

    def answer(self, result: str, said: str) -> None:
        """Answer the request with the outcome; written to the Lease at the latest when the stack is released."""
        if self._lease is not None and self._request is not None:
            self._lease.note(answer=turn_back_request.text(Answer(id=self._request.id, result=result, said=said)))

    def confirm(self) -> None:
        """Check, before a write to the cluster, that this driver still holds the stack.

        Raises:
            Lost: another driver holds the stack, or the Lease was deleted.
            ClusterUnavailable: the API server does not answer.
        """
        if self._lease is not None:
            try:
                self._lease.confirm()
            except Busy as busy:
                raise self._fenced(str(busy)) from None

    def record(self, service: str, record: dict[str, Any]) -> None:
        """Check, before a write to the stack file, that this driver holds the stack, and note the record on the Lease.

        While the API server is away, the file may be written until the Lease could have expired. After that, this
        method waits for the API server.

        Raises:
            Lost: another driver holds the stack, or the Lease was deleted.
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
        return Lost(f"stack {self.stack}: {said}; this driver writes no more changes; see slipway status {self.stack}")

    def _busy(self, said: str) -> Busy:
        return Busy(
            f"stack {self.stack}: another slipway process holds it ({said.removesuffix(' holds the stack')}); wait for "
            f"it, see `slipway status {self.stack}`, or make it turn back with `slipway abort {self.stack} …`"
        )

    @property
    def held_lease(self) -> Seen | None:
        """The Lease as this driver last wrote it; None = no Lease."""
        return self._lease.held if self._lease is not None else None

    def local(self) -> Holder | None:
        """Return the driver of the stack in this checkout on this machine, or None. Acquires no lock."""
        with suppress(FileNotFoundError), self.file.open(encoding="utf-8") as stream:
            said = _said(stream)
            if said.keys() >= _NAMED and signals.runs(int(said["pid"]), float(said["started"])):
                return Holder.read(str(said["identity"]), datetime.fromisoformat(said["since"]))
        return None

    def gone(self) -> str:
        """Return the identity of this checkout's last driver if its process has ended; otherwise an empty string."""
        with suppress(FileNotFoundError), self.file.open(encoding="utf-8") as stream:
            if self.local() is None:
                return str(_said(stream).get("identity", ""))
        return ""

    def elsewhere(self) -> Lease | None:
        """Return the Lease for a request to its holder; None if there is no cluster."""
        try:
            return self.lease(Holder.here())
        except DeliveryError:
            return None

    def seen(self) -> Seen | None:
        """Return the Lease; None if it does not exist or cannot be read."""
        try:
            return self.lease(Holder.here()).look()
        except DeliveryError:
            return None

    def owner(self) -> Holder | None:
        """Return the driver of the stack, on any machine; None if no driver is found."""
        if (local := self.local()) is not None:
            return local
        seen = self.seen()
        return seen.holder if seen is not None and seen.holder is not None and self._works(seen) else None

    def _works(self, seen: Seen) -> bool:
        """Return whether a Lease is being renewed; if ``renewTime`` is not recent by this clock, read it again."""
        if self.gone() == seen.identity:
            return False
        age = (datetime.now(UTC) - seen.renewed).total_seconds() if seen.renewed else DURATION_SECONDS
        if 0 <= age < 3 * RENEW_SECONDS:
            return True
        time.sleep(2 * RENEW_SECONDS)
        again = self.seen()
        return again is not None and again.version != seen.version


def _said(stream: IO[str]) -> dict[str, Any]:
    """Return the holder that the lock file names; empty if it names none, or if an older version wrote the file."""
    stream.seek(0)
    return lease_notes.mapping(stream.read())


def _say(stream: IO[str], holder: Holder) -> None:
    stream.truncate(0)
    since = holder.since.isoformat() if holder.since else ""
    said = {"pid": holder.pid, "identity": holder.identity, "since": since, "started": signals.started(holder.pid)}
    stream.write(json.dumps(said))
    stream.flush()
