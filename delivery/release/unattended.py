"""Unattended releases: since when no driver works on them, and what to do with them according to the entry."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from delivery import formatting
from delivery.lock.holder import Holder
from delivery.lock.lease import Seen
from delivery.lock.lease_notes import driven_of
from delivery.release.position import position
from delivery.release.service import Service
from delivery.release.takeover import newer_record
from models.delivery import Run
from models.strategy import Strategy

Act = Literal["resume", "return"]


@dataclass(frozen=True, kw_only=True)
class Tended:
    """One service's release, as `slipway tend` finds it."""

    service: str
    act: Act | None = None
    """The action that is due now; None = no action."""
    since: datetime | None = None
    """When a driver last worked on the release; None = a driver works on it, or none is needed."""
    said: str
    """One human-readable line."""

    def document(self) -> dict[str, object]:
        """Return the machine-readable form."""
        since = self.since.isoformat() if self.since else None
        return {"act": self.act, "unattendedSince": since, "said": self.said}


def look(service: Service, *, driver: Holder | None, seen: Seen | None, now: datetime) -> Tended:
    """Return whether a release is unattended, by the newest record that this checkout can read. Write nothing.

    A release that waits for a person (approval, comparison, the next manual step) is not unattended. An old slot that
    was kept warm longer than declared is due to be emptied.

    Args:
        service: The service whose release is examined.
        driver: The driver that works on the stack; None = no driver.
        seen: The stack's Lease, if there is one.
        now: The current time.

    Raises:
        DeliveryError: the Lease's record cannot be read.
    """
    newer = newer_record(service, seen)
    delivery = newer[1] if newer else service.record()
    run, spec = delivery.run, service.spec
    if run is None:
        return Tended(service=service.name, said="no release is under way")
    at = position(service, delivery, driver=driver, now=now)
    if driver is not None:
        return Tended(service=service.name, said=f"driven by {driver}")
    if at.phase == "warm":
        due = run.warm_until is not None and run.warm_until <= now
        said = "the warm time of the old slot is over" if due else "the old slot is kept warm"
        return Tended(service=service.name, act="resume" if due else None, said=said)
    if at.phase == "waiting":
        return Tended(service=service.name, said="waits for a person")
    return _left_alone(service.name, run, spec.release, driven(run, service.name, seen), now)


def driven(run: Run, service: str, seen: Seen | None) -> datetime:
    """Return when a driver last worked on a run: the later of its last mark on the Lease and the start of the stage.

    Both times come from the driver's machine and are compared with this machine's clock. That is precise enough,
    because the limits are minutes, not seconds.
    """
    noted = driven_of(seen).get(service)
    return max(datetime.fromisoformat(noted), run.stage_began) if noted else run.stage_began


def _left_alone(service: str, run: Run, strategy: Strategy, since: datetime, now: datetime) -> Tended:
    alone = (now - since).total_seconds()
    act: Act = "resume" if run.kind == "back" else strategy.when_unattended
    does = {"resume": "continues the release", "return": "aborts the release"}[act]
    said = f"no driver since {since:%Y-%m-%d %H:%M:%S} UTC, for {formatting.duration(alone)}"
    left = strategy.unattended - alone
    if left > 0:
        return Tended(service=service, since=since, said=f"{said}; in {formatting.duration(left)} slipway tend {does}")
    return Tended(service=service, act=act, since=since, said=f"{said}; slipway tend {does}")
