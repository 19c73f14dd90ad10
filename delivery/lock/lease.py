"""A stack's Lease in its cluster: names the driver that may write, on any machine, and fences off all others.

A driver acquires the Lease as in client-go's leader election (``tryAcquireOrRenew`` in
``tools/leaderelection/leaderelection.go``), without comparing the clocks of two machines. A candidate observes the
Lease, and takes it over once it has not changed for its ``leaseDurationSeconds`` by the candidate's own clock. The
write names the observed ``resourceVersion``, so the API server refuses (409) all writers but one. ``renewTime`` is for
people.

Leader election alone does not fence, as client-go's ``doc.go`` says: a driver that was suspended and continues still
believes that it holds the Lease. The driver therefore calls :meth:`Lease.confirm` before each write. ``confirm`` renews
the Lease, whose holder and token (``leaseTransitions``) must still be the driver's own.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from delivery.errors import Busy, ClusterUnavailable, DeliveryError, Lost, StaleObject
from delivery.lock.holder import Holder

DURATION_SECONDS = 15
"""A Lease that has not changed for this long is free. The default of client-go."""
RENEW_SECONDS = 1.0
"""Time between two renewals; with each renewal, the driver also reads requests to turn back."""
LOOK_SECONDS = 0.25
"""Time between two reads while waiting for the Lease, or for an answer."""
_TRIES = 5
"""Attempts to write one change; others change a held Lease only to make a request."""

Json = dict[str, Any]


class Store(Protocol):
    """The objects of an API server. Each method raises ClusterUnavailable, Forbidden, or StaleObject."""

    def get(self, path: str) -> Json | None:
        """Return an object, or None if it does not exist."""
        ...

    def create(self, path: str, body: Json) -> Json | None:
        """Create an object in a collection; return None if the namespace does not exist."""
        ...

    def replace(self, path: str, body: Json) -> Json | None:
        """Replace the version of an object that ``body`` names; return None if the object does not exist."""
        ...


def monotonic() -> float:
    """Return the seconds of a clock that, if the system has one, keeps running while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@dataclass(frozen=True)
class Seen:
    """A Lease as read at one moment."""

    body: Json

    @property
    def identity(self) -> str:
        """The identity of the holder; empty = no holder."""
        return str(self.body["spec"].get("holderIdentity") or "")

    @property
    def token(self) -> int:
        """The fencing token, which increases with each new holder."""
        return int(self.body["spec"].get("leaseTransitions") or 0)

    @property
    def version(self) -> str:
        """The ``resourceVersion``, which changes with each write of the object."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def duration(self) -> float:
        """Seconds without a change after which the Lease is free, as set by the holder."""
        return float(self.body["spec"].get("leaseDurationSeconds") or DURATION_SECONDS)

    @property
    def renewed(self) -> datetime | None:
        """The time of the last renewal, by the holder's clock."""
        return _time(self.body["spec"].get("renewTime"))

    @property
    def holder(self) -> Holder | None:
        """The holder; None = no holder."""
        return Holder.read(self.identity, _time(self.body["spec"].get("acquireTime"))) if self.identity else None

    @property
    def notes(self) -> dict[str, str]:
        """The annotations of the Lease."""
        return cast("dict[str, str]", self.body["metadata"].get("annotations") or {})


class Lease:
    """The Lease of one stack, as one driver sees it. Thread-safe."""

    def __init__(  # noqa: PLR0913 -- where it is, and a clock for tests
        self,
        store: Store,
        namespace: str,
        name: str,
        holder: Holder,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._store, self._namespace, self._name, self.holder = store, namespace, name, holder
        self.clock, self._sleep = clock or monotonic, sleep or time.sleep
        self._all = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._mutex = threading.RLock()
        self._held: Seen | None = None
        self._lost = ""
        self._notes: dict[str, str | None] = {}
        """Annotations that the next write sets; None removes the annotation."""
        self.past: str | None = None
        """Identity of a driver whose Lease is taken over at once: it has ended, or does not react."""
        self.confirmed = self.clock()
        """When the API server last confirmed that this driver holds the Lease, by ``clock``."""

    @property
    def where(self) -> str:
        """The namespace and name of the Lease, for messages."""
        return f"Lease {self._namespace}/{self._name}"

    @property
    def held(self) -> Seen | None:
        """The Lease as this driver last wrote it; None before the driver has acquired it."""
        return self._held

    @property
    def lost(self) -> str:
        """Why this driver no longer holds the Lease; empty = it still holds the Lease, or never did."""
        return self._lost

    def look(self) -> Seen | None:
        """Return the Lease, or None if it does not exist."""
        found = self._store.get(f"{self._all}/{self._name}")
        return Seen(found) if found is not None else None

    def acquire(self) -> None:
        """Acquire the Lease; if its holder may have ended, wait at most the Lease's duration.

        Raises:
            Busy: a running driver holds the Lease.
            ClusterUnavailable: the API server does not answer, so the holder is unknown.
            DeliveryError: this account may not use Leases, or this cluster has none.
        """
        self.note(request=None)  # a request on the Lease was meant for the previous driver
        with self._mutex:
            observed, since = "", 0.0
            while True:
                found = self.look()
                if found is not None and found.identity not in ("", self.holder.identity, self.past):
                    if observed and found.version != observed:
                        raise Busy(f"{found.holder} holds the stack")
                    if not observed:
                        observed, since = found.version, self.clock()
                    if self.clock() - since < found.duration:
                        self._sleep(LOOK_SECONDS)
                        continue
                if self.take(found):
                    return

    def take(self, found: Seen | None) -> bool:
        """Write this driver into a Lease that was read; return False if another writer was first."""
        began = self.clock()
        try:
            if found is None:
                body = self._store.create(self._all, self._body(None))
            else:
                body = self._store.replace(f"{self._all}/{self._name}", self._body(found))
        except StaleObject:
            return False
        if body is None:
            raise DeliveryError(f"{self.where}: namespace {self._namespace} does not exist")
        self._held, self.confirmed = Seen(body), began
        self._notes.clear()
        return True

    def confirm(self) -> None:
        """Renew the Lease and set the annotations given to :meth:`note`; acquire the Lease if that failed before.

        Raises:
            Lost: another driver holds the Lease, or it was deleted. Every later call raises Lost too.
            ClusterUnavailable: the API server does not answer.
        """
        with self._mutex:
            if self._held is None and not self._lost:
                self.acquire()
            else:
                self._write(self.holder.identity)

    def release(self) -> None:
        """Let the next driver acquire the Lease at once; if this write fails, the Lease is free when it expires."""
        with self._mutex:
            if self._held is not None and not self._lost:
                self._write("")

    def note(self, **notes: str | None) -> None:
        """Set annotations with the next write; None removes an annotation."""
        with self._mutex:
            self._notes |= notes

    def pause(self, seconds: float) -> None:
        """Sleep for a number of seconds of the Lease's clock."""
        self._sleep(seconds)

    def ask(self, seen: Seen, **notes: str) -> None:
        """Annotate a Lease that another driver holds; raises StaleObject if the Lease changed after it was read."""
        metadata = {**seen.body["metadata"], "annotations": {**seen.notes, **_prefixed(notes)}}
        self._store.replace(f"{self._all}/{self._name}", {**seen.body, "metadata": metadata})

    def _write(self, identity: str) -> None:
        for _ in range(_TRIES):
            held, began = self._held, self.clock()
            try:
                body = self._store.replace(f"{self._all}/{self._name}", self._body(held, identity))
            except StaleObject:
                self._held = self._still_ours(self.look())
                continue
            self._held, self.confirmed = self._still_ours(Seen(body) if body else None, identity), began
            self._notes.clear()
            return
        raise ClusterUnavailable(f"{self.where}: keeps changing while it is being renewed")

    def _still_ours(self, found: Seen | None, identity: str | None = None) -> Seen:
        held, expected = self._held, self.holder.identity if identity is None else identity
        if found is None:
            self._lost = f"{self.where} was deleted"
        elif found.identity != expected or (held is not None and found.token != held.token):
            self._lost = f"{found.holder or 'another driver'} has taken over the stack"
        else:
            return found
        raise Lost(self._lost)

    def _body(self, found: Seen | None, identity: str | None = None) -> Json:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        old: Json = (
            found.body if found else {"metadata": {"name": self._name, "namespace": self._namespace}, "spec": {}}
        )
        identity = self.holder.identity if identity is None else identity
        fresh = found is None or (found.identity != identity and bool(identity))
        notes = {**(found.notes if found else {}), **_prefixed({k: v for k, v in self._notes.items() if v is not None})}
        for gone in _prefixed(dict.fromkeys(k for k, v in self._notes.items() if v is None)):
            notes.pop(gone, None)
        spec: Json = {
            **old["spec"], "holderIdentity": identity, "leaseDurationSeconds": DURATION_SECONDS, "renewTime": now,
            "leaseTransitions": (found.token if found else 0) + fresh,
        }  # fmt: skip
        if fresh:
            spec["acquireTime"] = now
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {**old["metadata"], "annotations": notes},
            "spec": spec,
        }


_PREFIX = "slipway.dev/"


def _prefixed(notes: dict[str, Any]) -> dict[str, Any]:
    return {f"{_PREFIX}{key}": value for key, value in notes.items()}


def noted(seen: Seen, key: str) -> str:
    """Return an annotation that :meth:`Lease.note` set; empty if there is none."""
    return seen.notes.get(f"{_PREFIX}{key}", "")


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
