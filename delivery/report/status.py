"""What is true about a stack's releases now: what is declared, deployed and there, and whether they agree.

Three sources are asked and none is believed alone: the stack file, Pulumi's outputs, the API server. One that does not
answer is said to be unknown; the others are told all the same, because a broken cluster is when somebody asks.
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
    """One service."""

    name: str
    spec: ServiceSpec
    release: ServiceRelease
    """What the stack file declares, or what it means where it says nothing."""
    delivery: ServiceDelivery
    deployed: Json | None
    """Its part of the stack's outputs; none = never deployed, or unknown."""
    seen: Seen | None
    """What the cluster has; none = unknown."""
    position: Position
    differences: tuple[str, ...]
    """Where the three disagree, a line each."""
    pending: str
    """What of the entry the live slot does not run yet, and what applies it; empty = nothing."""
    given: str | None = None
    """The digest that the stack names for the service's image; a slot without a digest of its own runs it."""
    tended: Tended | None = None
    """Since when no driver has worked on its release; none = unknown."""

    def document(self) -> Json:
        """Return it for a program."""
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
    """A whole stack."""

    stack: str
    system: str
    environment: str
    driver: Holder | None
    """Who drives it, from whatever machine."""
    services: tuple[ServiceStatus, ...]
    unknown: tuple[str, ...]
    """Sources that did not answer, and why."""

    def document(self) -> Json:
        """Return it for a program."""
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
    """Ask all three sources; raises DeliveryError only if the stack file itself is not valid."""
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
    """Stack file, state and cluster at one moment; the first two are read once."""

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
        """Say whether this stack file's record is older than the Lease's, and whether the release is left alone."""
        try:
            newer = newer_record(service, self._lease)
            tended = unattended.look(service, driver=self.driver, seen=self._lease, now=self._now)
        except DeliveryError as error:
            return [str(error)], None
        older = "record: another checkout has driven the release further than this stack file knows"
        return [older] if newer else [], tended

    def about(self, name: str) -> ServiceStatus:
        """Return one service's status."""
        service = Service(self._stack, name)
        spec = self.entry.service_in(self.settings.system.environment, name)
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
    """Say where stack file, Pulumi's state and cluster disagree; ``known`` = the state could be read."""
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
