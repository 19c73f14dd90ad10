"""An API server's Leases, by its own rules: versions, conflicts, refusals, absences; and clocks that pass when told."""

import copy
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from delivery.errors import ClusterUnavailable, DeliveryError, Forbidden, StaleObject
from delivery.lock.lease import Json

_COLLECTION = re.compile(r"/apis/coordination\.k8s\.io/v1/namespaces/([^/]+)/leases")
_LEASE = re.compile(rf"{_COLLECTION.pattern}/([^/]+)")


@dataclass
class Clock:
    """A clock that goes on only where somebody waits."""

    now: float = 1_000.0
    during: Callable[[float], None] = lambda _: None
    """Is called with each second that has passed."""

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.during(self.now)


@dataclass
class Leases:
    """Keeps Leases as an API server does."""

    namespaces: tuple[str, ...] = ("default",)
    objects: dict[str, Json] = field(default_factory=dict[str, Json])
    away: bool = False
    forbidden: bool = False
    lost_answers: int = 0
    """Writes that are carried out, and whose answer does not come back."""
    writes: int = 0
    _version: int = 0
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str) -> Json | None:
        self._asked(path)
        with self._mutex:
            return copy.deepcopy(self.objects.get(path))

    def create(self, path: str, body: Json) -> Json | None:
        self._asked(path)
        if (found := _COLLECTION.fullmatch(path)) is None:
            raise DeliveryError(f"{path}: 405 Method Not Allowed")
        if found[1] not in self.namespaces:
            return None
        with self._mutex:
            key = f"{path}/{body['metadata']['name']}"
            if key in self.objects:
                raise StaleObject(f"{key}: 409 AlreadyExists")
            if "resourceVersion" in body["metadata"]:
                raise DeliveryError(f"{key}: resourceVersion should not be set on objects to be created")
            return self._kept(key, body)

    def replace(self, path: str, body: Json) -> Json | None:
        self._asked(path)
        if (found := _LEASE.fullmatch(path)) is None:
            raise DeliveryError(f"{path}: 405 Method Not Allowed")
        assert (found[1], found[2]) == (body["metadata"]["namespace"], body["metadata"]["name"])
        with self._mutex:
            before = self.objects.get(path)
            if before is None:
                return None
            named = body["metadata"].get("resourceVersion")
            if named is not None and named != before["metadata"]["resourceVersion"]:  # without one: unconditional
                raise StaleObject(f"{path}: 409 the object has been modified")
            return self._kept(path, body)

    def delete(self) -> None:
        """Somebody deletes them all."""
        self.objects.clear()

    @property
    def one(self) -> Json:
        """The only Lease."""
        (found,) = self.objects.values()
        return found

    def _asked(self, path: str) -> None:
        if self.away:
            raise ClusterUnavailable("context none: the API server does not answer")
        if self.forbidden:
            raise Forbidden(f"{path}: the API server returned 403 Forbidden")

    def _kept(self, key: str, body: Json) -> Json:
        _refuse_what_the_schema_does(body)
        self._version += 1
        self.writes += 1
        kept = copy.deepcopy(body)
        kept["metadata"]["resourceVersion"] = str(self._version)
        self.objects[key] = kept
        if self.lost_answers:
            self.lost_answers -= 1
            raise ClusterUnavailable("context none: the API server does not answer: read timed out")
        return copy.deepcopy(kept)


def _refuse_what_the_schema_does(body: Json) -> None:
    spec = body["spec"]
    assert spec.keys() <= {"holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaseTransitions"}
    assert type(spec["leaseDurationSeconds"]) is int
    assert spec["leaseDurationSeconds"] > 0
    assert type(spec["leaseTransitions"]) is int
    assert spec["leaseTransitions"] >= 0
    for key in ("acquireTime", "renewTime"):
        datetime.fromisoformat(spec[key])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec[key])
    annotations = body["metadata"].get("annotations", {})
    assert all(isinstance(value, str) for value in annotations.values())
    if sum(len(key) + len(value) for key, value in annotations.items()) > 256 * 1024:
        raise DeliveryError("metadata.annotations: Too long: may not be more than 262144 bytes")
