"""The current state of a stack's releases: what is declared, deployed and in the cluster, and whether they agree.

The status compares three sources: the stack file, Pulumi's outputs and the API server. A source that does not answer is
reported as unknown. The others are still reported, because people need the status most when the cluster is broken.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from delivery import formatting
from delivery.cluster.client import Json
from delivery.errors import DeliveryError
from delivery.lock.holder import Holder
from delivery.release import unattended
from delivery.release.position import Position, position
from delivery.release.service import Service
from delivery.release.stack import Stack
from delivery.release.takeover import newer_record
from delivery.release.unattended import Tended
from delivery.report.observed import Seen, see
from delivery.report.pending import pending
from models.delivery import ServiceDelivery
from models.release import BUILT, ServiceRelease
from models.service import ServiceSpec


@dataclass(frozen=True, kw_only=True)
class ServiceStatus:
    """The status of one service."""

    name: str
    spec: ServiceSpec
    release: ServiceRelease
    """What the stack file declares, or the default if it declares nothing."""
    delivery: ServiceDelivery
    deployed: Json | None
    """The service's part of the stack's outputs; None = never deployed, or unknown."""
    seen: Seen | None
    """What the cluster runs; None = unknown."""
    position: Position
    differences: tuple[str, ...]
    """One line for each disagreement between the three sources."""
    pending: str
    """Changes of the entry that the live slot does not run yet, and the command that applies them; empty = none."""
    given: str | None = None
    """The digest that the stack sets for the service's image; a slot without its own digest runs it."""
    tended: Tended | None = None
    """Since when no driver has worked on the release; None = unknown."""

    def document(self) -> Json:
        """Return the status as JSON data."""
        delivery, at = self.delivery, self.position
        return {
            "strategy": self.spec.release.strategy,
            "phase": at.phase,
            "stage": at.stage.title if at.stage else None,
            "stageIndex": at.index if at.stages else None,
            "stages": [stage.title for stage in at.stages],
            "next": at.next,
            "declared": self.release.document(),
            "deployed": self.deployed,
            "cluster": self.seen.document() if self.seen else None,
            "agrees": not self.differences,
            "differences": list(self.differences),
            "pending": self.pending or None,
            "run": delivery.run.document() if delivery.run else None,
            "verdict": delivery.verdicts[-1].document() if delivery.verdicts else None,
            "tended": self.tended.document() if self.tended else None,
            "holds": [held.document() for held in delivery.holds],
        }


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """The status of a whole stack."""

    stack: str
    system: str
    environment: str
    driver: Holder | None
    """The driver of the stack, on any machine; None = no driver."""
    services: tuple[ServiceStatus, ...]
    unknown: tuple[str, ...]
    """Sources that did not answer, and why."""

    def document(self) -> Json:
        """Return the status as JSON data."""
        return {
            "stack": self.stack,
            "system": self.system,
            "environment": self.environment,
            "driver": self.driver.pid if self.driver else None,
            "owner": self.driver.document() if self.driver else None,
            "agrees": not self.unknown and not any(service.differences for service in self.services),
            "unknown": list(self.unknown),
            "services": {service.name: service.document() for service in self.services},
        }


def look(stack: Stack, now: datetime | None = None) -> StackStatus:
    """Read all three sources; raises DeliveryError only if the stack file itself is not valid."""
    asked = _Sources(stack, now or datetime.now(UTC))
    services = tuple(asked.about(name) for name in asked.entry.services)
    return StackStatus(
        stack=stack.name,
        system=asked.entry.name,
        environment=asked.settings.system.environment,
        driver=asked.driver,
        services=services,
        unknown=tuple(dict.fromkeys(asked.unknown)),
    )


class _Sources:
    """The stack file, the state and the cluster at one moment; the stack file and the state are read once."""

    def __init__(self, stack: Stack, now: datetime) -> None:
        self._stack, self._now = stack, now
        self.settings, self.entry, self.driver = stack.settings(), stack.entry, stack.owner()
        self.unknown: list[str] = []
        self._lease = stack.lock.seen()
        self._outputs = self._state()

    def _state(self) -> Mapping[str, Any] | None:
        try:
            return self._stack.outputs()
        except DeliveryError as error:
            self.unknown.append(f"Pulumi's state: {error}")
            return None

    def _seen(self, name: str, spec: ServiceSpec) -> Seen | None:
        try:
            return see(self._stack.cluster, self._stack.namespace, name, spec, self.settings.cluster.traffic)
        except DeliveryError as error:
            self.unknown.append(f"the cluster: {error}")
            return None

    def _tended(self, service: Service) -> tuple[list[str], Tended | None]:
        """Return a line if the stack file's record is older than the Lease's, and whether the release is unattended."""
        try:
            newer = newer_record(service, self._lease)
            tended = unattended.look(service, driver=self.driver, seen=self._lease, now=self._now)
        except DeliveryError as error:
            return [str(error)], None
        older = "record: another checkout has moved the release further than this stack file shows"
        return [older] if newer else [], tended

    def about(self, name: str) -> ServiceStatus:
        """Return the status of one service."""
        service = Service(self._stack, name)
        spec = self._stack.service_in_environment(name)
        delivery = self.settings.delivery.get(name, ServiceDelivery())
        release = self.settings.release.get(name, BUILT)
        known, outputs = self._outputs is not None, self._outputs or {}
        deployed = outputs.get("services", {}).get(name)
        seen = self._seen(name, spec)
        older, tended = self._tended(service)
        return ServiceStatus(
            name=name,
            spec=spec,
            release=release,
            delivery=delivery,
            deployed=deployed,
            seen=seen,
            position=position(service, delivery, driver=self.driver, now=self._now),
            differences=(*older, *differences(release, deployed, seen, known=known)),
            pending=pending(service, outputs).line,
            tended=tended,
            given=self.settings.images.get(spec.image),
        )


def differences(release: ServiceRelease, deployed: Json | None, seen: Seen | None, *, known: bool) -> Iterator[str]:
    """Yield each disagreement of stack file, Pulumi's state and cluster; ``known`` = the state could be read."""
    if known and deployed is None:
        yield "declared, but never deployed"
    elif deployed is not None:
        if deployed["live"] != release.live:
            yield f"live slot: {release.live} declared, {deployed['live']} deployed"
        slots = cast("dict[str, Json]", deployed["slots"])
        if slots.keys() != release.slots.keys():
            yield f"slots: {' and '.join(release.slots)} declared, {' and '.join(slots)} deployed"
        for slot, content in release.slots.items():
            last = slots.get(slot, {}).get("image", content.image)
            if content.image and last != content.image:
                yield f"{slot}: {formatting.digest(content.image)} declared, {formatting.digest(last)} deployed"
            weight = slots.get(slot, {}).get("weight", release.weight_of(slot))
            if slot == release.canary and weight != release.weight:
                yield f"weight of {slot}: {release.weight} % declared, {weight} % deployed"
    if seen is not None:
        yield from seen.differences(release)
