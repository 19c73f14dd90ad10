"""One service of a stack: what it declares, what its slots run, and the record of its releases."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NotRequired, Self, TypedDict, Unpack

from components import labels, names
from delivery.errors import DeliveryError
from delivery.metrics.kept import Kept
from delivery.metrics.sources import Target
from delivery.plan.stages import pods_needed
from delivery.release.revisions import named, names_in
from delivery.release.stack import Stack
from delivery.release.takeover import carried
from models import evidence
from models.delivery import CheckResult, Finding, Override, ServiceDelivery, Verdict, Version, fingerprint
from models.errors import nearest
from models.offer import proxy_of
from models.release import BUILT, ServiceRelease, SlotRelease
from models.revision import Revision
from models.service import ServiceSpec
from models.vocabulary import SlotName


class Found(TypedDict):
    """The findings about a slot, as a verdict records them."""

    result: Finding
    checks: dict[str, CheckResult]
    began: datetime
    ended: datetime
    override: NotRequired[Override | None]


@dataclass(frozen=True)
class Service:
    """A service in an open stack. Every method reads the current stack file."""

    stack: Stack
    name: str

    def __str__(self) -> str:
        """Return the stack and the service as commands name them: ``prod classifier``."""
        return f"{self.stack.name} {self.name}"

    @property
    def named(self) -> dict[str, str]:
        """The names of stack and service, as keyword arguments for messages."""
        return {"stack": self.stack.name, "service": self.name}

    @property
    def spec(self) -> ServiceSpec:
        """The service in this stack's environment, regardless of its release; raises DeliveryError if it is unknown."""
        entry = self.stack.entry
        if self.name not in entry.services:
            known = ", ".join(entry.services)
            raise DeliveryError(f"{self.name}: no such service ({known}){nearest(self.name, entry.services)}")
        return self.stack.service_in_environment(self.name)

    @property
    def builds(self) -> bool:
        """Whether this stack builds the service's image itself."""
        settings, key = self.stack.settings(), self.spec.image
        return settings.image is not None and key not in settings.images and key in self.stack.entry.built

    @property
    def reference(self) -> str | None:
        """The image that the catalogue entry names, unless the stack file names another one."""
        key = self.spec.image
        return None if key in self.stack.settings().images else self.stack.entry.references.get(key)

    def known(self) -> Self:
        """Return this service; raise DeliveryError with the nearest name if the stack's entry does not have it."""
        _ = self.spec
        return self

    def declared(self) -> ServiceRelease | None:
        """Return what the stack file declares for the slots; None before the first deployment in this environment."""
        found = self.stack.settings().release.get(self.name)
        if found is None and self.stack.environment == self.stack.entry.building_environment:
            return BUILT
        return found

    def release(self) -> ServiceRelease:
        """Return the declared release, or by default the slot that the stack builds."""
        return self.declared() or BUILT

    def record(self) -> ServiceDelivery:
        """Return the record of the service's releases."""
        return self.stack.settings().delivery.get(self.name, ServiceDelivery())

    def write(self, release: ServiceRelease, record: ServiceDelivery) -> None:
        """Write the release and the record in one atomic step, after the revisions that they name.

        Raises:
            Lost: another driver owns the stack.
        """
        stack = self.stack
        before, after = set(named(stack.file.path.read_bytes())), names_in(release, record)
        running = {name: stack.revisions.get(name) for name in names_in(release, ServiceDelivery(run=record.run))}
        stack.lock.record(self.name, carried(release, record, stack.space_id(), running))
        stack.revisions.write(after)
        stack.file.write(self.name, release, record)
        stack.revisions.write(after)  # the driver of another stack may have deleted one meanwhile
        stack.revisions.drop(before - set(named(stack.file.path.read_bytes())))

    def ready(self, slot: str) -> int:
        """Count the ready pods of a slot."""
        return self.stack.cluster.ready(self.stack.namespace, names.slot_name(self.name, slot))

    def serves(self, slot: str, content: SlotRelease) -> bool:
        """Return whether a slot has the ready pods that its content needs, and at least one."""
        return self.ready(slot) >= max(pods_needed(self.runs(content), content), 1)

    def reasons(self, slot: str) -> str:
        """Return why a slot's pods are not ready."""
        return self.stack.cluster.reasons(self.stack.namespace, labels.select_slot(self.name, slot))

    def restarts(self, slot: str) -> int:
        """Count the container restarts in a slot's pods."""
        return self.stack.cluster.restarts(self.stack.namespace, labels.select_slot(self.name, slot))

    def image(self, slot: str) -> str | None:
        """Return the digest that a slot runs, as of the last update; None before the first update."""
        return _image(self.stack.outputs(), self.name, slot)

    def revision(self, content: SlotRelease) -> Revision:
        """Return a slot's revision; for an unpinned slot, the revision of the current entry."""
        if content.pinned is not None:
            return self.stack.revisions.get(content.pinned)
        return Revision.of(self.spec, content)

    def runs(self, content: SlotRelease) -> ServiceSpec:
        """Return the service as a slot with this content runs it."""
        return self.spec.with_slot(self.revision(content).whole)

    def pinned(self, content: SlotRelease) -> SlotRelease:
        """Return the content pinned to the revision that it would run now."""
        given = {"revision": self.stack.revisions.add(self.revision(content)), "model": None, "server": None}
        return content.model_copy(update={**given, "files": None})

    def live(self, outputs: Mapping[str, Any] | None = None) -> SlotRelease | None:
        """Return the pinned content that the live slot ran at the last update; None before the first update.

        Pass ``outputs`` to avoid a call to Pulumi.
        """
        release = self.release()
        content = release.slots[release.live].settled
        if content.image is not None and content.pinned is not None:
            return content
        outputs = self.stack.outputs() if outputs is None else outputs
        ran = evidence.ran(outputs, self.name).get(release.live)
        given = self.stack.settings().images.get(self.spec.image)
        image = content.image or given or (ran.image if ran else _image(outputs, self.name, release.live))
        if image is None:
            return None
        content = content.model_copy(update={"image": image})
        if content.pinned is not None or ran is None or ran.revision is None:
            return self.pinned(content)
        return SlotRelease(image=image, revision=self.stack.revisions.add(ran.revision))

    def fallback(self) -> SlotRelease | None:
        """Return the content that a new release would go back to; None until a first deployment has succeeded."""
        return None if self.declared() is None or self._first_failed() else self.live()

    def _first_failed(self) -> bool:
        """Return whether a first deployment is under way, or ended without a promotion and does not serve."""
        record, release = self.record(), self.release()
        if record.run is not None:
            return record.run.first
        last, content = record.history[-1] if record.history else None, release.slots[release.live]
        if last is None or not last.first or last.outcome == "promoted" or last.content != content:
            return False
        held = last.image and record.holding(Version(last.image, last.config, content.pinned))
        return bool(held) or not self.serves(release.live, content)

    def config(self, content: SlotRelease) -> str:
        """Return the fingerprint of what a promotion carries to the next environment besides the image."""
        return fingerprint(self.revision(content).content)

    def version(self, content: SlotRelease, image: str) -> Version:
        """Return the version that verdicts and holds refer to; ``image`` is the digest that the slot runs."""
        return Version(image, self.config(content), content.pinned)

    def verdict(self, content: SlotRelease, image: str, **found: Unpack[Found]) -> Verdict:
        """Return the verdict about a pinned slot. ``image`` is the digest that ran, even if the stack built it."""
        return Verdict(
            image=image,
            config=self.config(content),
            content=content.settled.model_copy(update={"image": image}),
            revision=content.pinned,
            environment=self.stack.environment,
            stack=self.stack.name,
            **found,
        )

    @property
    def _reads(self) -> Path:
        """The file of what a driver has read of the run's metrics."""
        return self.stack.project / ".slipway" / "delivery" / f"{self.stack.name}.{self.name}.reads"

    @contextmanager
    def watching(self, *, keep: bool = False) -> Generator[None]:
        """Let the metrics source have the service's samples until the block ends.

        Args:
            keep: Whether a driver that resumes the run needs what is read. Reads only if a release goes forward.
        """
        metrics, run = self.stack.metrics, self.record().run
        if metrics is None or (keep and (run is None or run.kind == "back")):
            yield
            return
        spec = self.spec
        within = {histogram: limits.within for histogram, limits in spec.release.gate.timed.values()}
        path = (spec.monitoring and spec.monitoring.path) or spec.profile.path
        kept = None
        if keep and run is not None:
            kept = Kept(self._reads, run.id, [window.began.timestamp() for window in run.windows])
        with metrics.watching(self.target({"live": "blue", "candidate": "green"}), within, path, kept):
            yield
        if keep and self.record().run is None:
            self._reads.unlink(missing_ok=True)

    def target(self, slots: Mapping[str, SlotName]) -> Target:
        """Return the target of the metrics source: these slots, by role."""
        cluster = self.stack.settings().cluster
        return Target(
            namespace=self.stack.namespace,
            service=self.name,
            slots=slots,
            routed=self.spec.route is not None,
            driver=cluster.traffic,
            proxy=cluster.proxy_metrics,
            profile=self.spec.profile,
            proxy_judges=proxy_of(self.spec, cluster) is not None,
        )


def _image(outputs: Mapping[str, Any], service: str, slot: str) -> str | None:
    return outputs.get("services", {}).get(service, {}).get("slots", {}).get(slot, {}).get("image")
