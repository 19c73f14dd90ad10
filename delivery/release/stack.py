"""One stack, opened: its file, its system, Pulumi, the cluster and Prometheus."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import catalog
from catalog import revisions
from components import labels, names
from delivery.cluster.client import Cluster
from delivery.errors import ClusterUnavailable, DeliveryError, Unreadable, UpdatePutOff
from delivery.lock.holder import Holder
from delivery.lock.lease import Lease
from delivery.lock.lock import Lock
from delivery.metrics.prometheus import Prometheus, Target
from delivery.release.revisions import Revisions, named, names_in
from delivery.release.takeover import carried
from delivery.stack_file.stack_file import StackFile
from delivery.stack_file.yaml_tree import Tree
from models import evidence
from models.delivery import ServiceDelivery, fingerprint
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, nearest
from models.parsing import parse
from models.pins import Pins
from models.release import BUILT, ServiceRelease, SlotRelease
from models.revision import Revision
from models.service import ServiceSpec
from models.stack import StackSettings
from models.system import DeployedService, SystemSpec, resolve
from models.vocabulary import SlotName

if TYPE_CHECKING:
    from delivery.release.engine import Engine

T = TypeVar("T")


@dataclass
class Session:
    """A stack of a project. Read by anybody; changed by whoever holds its lock (:func:`exclusive`)."""

    project: Path
    stack: str
    _read: tuple[Tree, StackSettings] | None = field(default=None, init=False, repr=False)
    """The stack file as it was read last: the gate asks for it every half second."""
    _space_id: str = field(default="", init=False, repr=False)

    @classmethod
    def open(cls, project: Path, stack: str) -> "Session":
        """Open a stack; raises DeliveryError naming those that there are."""
        known = sorted(path.stem.removeprefix("Pulumi.") for path in project.glob("Pulumi.*.yaml"))
        if stack not in known:
            raise DeliveryError(f"{stack}: no such stack ({', '.join(known)}){nearest(stack, known)}")
        return cls(project, stack)

    @cached_property
    def file(self) -> StackFile:
        """The stack file."""
        return StackFile(self.project / f"Pulumi.{self.stack}.yaml")

    @cached_property
    def engine(self) -> "Engine":
        """Pulumi. Its API takes 0.4 s to load: an abort and a switch back move traffic before that."""
        from delivery.release.engine import Engine  # noqa: PLC0415 -- see above

        return Engine(self.project, self.stack)

    @cached_property
    def cluster(self) -> Cluster:
        """The stack's cluster."""
        return Cluster(self.settings().cluster.context)

    @cached_property
    def metrics(self) -> Prometheus | None:
        """Prometheus, where the stack names one."""
        cluster = self.settings().cluster
        url = cluster.metrics_url or cluster.prometheus_url
        return Prometheus(str(url)) if url else None

    def required_metrics(self, user: str) -> Prometheus:
        """Prometheus for somebody who cannot do without; raises DeliveryError."""
        if self.metrics is None:
            raise DeliveryError(
                f"{self.stack}: slipway:cluster.metricsUrl: required by {user}; say where Prometheus is"
            )
        return self.metrics

    def target(self, name: str, slots: Mapping[str, SlotName]) -> Target:
        """Whom Prometheus is asked about: these slots of a service, by role."""
        cluster = self.settings().cluster
        return Target(
            namespace=self.namespace,
            service=name,
            slots=slots,
            routed=self.service_spec(name).route is not None,
            driver=cluster.traffic,
            proxy=cluster.proxy_metrics,
        )

    def settings(self) -> StackSettings:
        """The stack file's settings at this moment; raises DeliveryError, one line per fault."""
        tree = self.file.tree()
        if self._read is None or self._read[0] is not tree:
            self._read = tree, self._understood(lambda: parse(StackSettings, self.file.values(), "slipway:"))
        return self._read[1]

    @cached_property
    def entry(self) -> CatalogueEntry:
        """The stack's catalogue entry, as it was when the session began: a release does not change its strategy."""
        name = self.settings().system.entry
        read = partial(catalog.read, name, self.project / "catalog")
        return self._understood(lambda: parse(CatalogueEntry, read(), f"catalog/{name}.yaml: "))

    def spec(self) -> SystemSpec:
        """The system as the stack file declares it at this moment."""
        return self._understood(lambda: self._resolved(self.settings()))

    def spec_read_last(self) -> SystemSpec:
        """The system as the stack file declared it when it could be read last."""
        settings = self._read[1] if self._read is not None else self.settings()
        return self._resolved(settings)

    def _resolved(self, settings: StackSettings) -> SystemSpec:
        return resolve(settings, self.entry, Pins(revisions=revisions.read(self.project, settings)))

    def _understood(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ConfigurationError as error:
            raise Unreadable(f"{self.file.path.name}: {error}") from error

    @property
    def environment(self) -> str:
        """The entry's environment that this stack is."""
        return self.settings().system.environment

    @property
    def namespace(self) -> str:
        """Where the system runs."""
        return self.settings().system.space

    def service(self, name: str) -> DeployedService:
        """One service as it is declared; raises DeliveryError naming those that there are."""
        self.service_spec(name)
        return self.spec().services[name]

    def service_spec(self, name: str) -> ServiceSpec:
        """A service in this stack's environment, whatever its release; raises DeliveryError naming those there are."""
        entry = self.entry
        if name not in entry.services:
            raise DeliveryError(f"{name}: no such service ({', '.join(entry.services)}){nearest(name, entry.services)}")
        return entry.service_in(self.environment, name)

    def declared(self, name: str) -> ServiceRelease | None:
        """What the stack file says about a service's slots; None before its first deployment in this environment."""
        found = self.settings().release.get(name)
        if found is None and self.environment == self.entry.building_environment:
            return BUILT
        return found

    def release(self, name: str) -> ServiceRelease:
        """What is declared, which must be something."""
        return self.declared(name) or BUILT

    def delivery(self, name: str) -> ServiceDelivery:
        """The record of a service's releases."""
        return self.settings().delivery.get(name, ServiceDelivery())

    def ready(self, name: str, slot: str) -> int:
        """Ready pods of a slot."""
        return self.cluster.ready(self.namespace, names.slot_name(name, slot))

    def reasons(self, name: str, slot: str) -> str:
        """Why a slot's pods are not ready."""
        return self.cluster.reasons(self.namespace, labels.select_slot(name, slot))

    def restarts(self, name: str, slot: str) -> int:
        """How often containers of a slot's pods were restarted."""
        return self.cluster.restarts(self.namespace, labels.select_slot(name, slot))

    def image(self, name: str, slot: str) -> str | None:
        """The digest that a slot runs, as of the last update; None before it."""
        return _image(self.outputs(), name, slot)

    @cached_property
    def revisions(self) -> Revisions:
        """The project's revisions."""
        return Revisions(self.project)

    def revision(self, name: str, content: SlotRelease) -> Revision:
        """Return a slot's revision; for an unpinned slot, that of the current entry."""
        if content.pinned is not None:
            return self.revisions.get(content.pinned)
        return Revision.of(self.service_spec(name), content)

    def runs(self, name: str, content: SlotRelease) -> ServiceSpec:
        """Return the service as a slot with this content runs it."""
        return self.service_spec(name).with_slot(self.revision(name, content).whole)

    def pinned(self, name: str, content: SlotRelease) -> SlotRelease:
        """Return the content pinned to the revision that it would run now."""
        given = {"revision": self.revisions.add(self.revision(name, content)), "model": None, "server": None}
        return content.model_copy(update={**given, "files": None})

    def live(self, name: str, outputs: Mapping[str, Any] | None = None) -> SlotRelease | None:
        """Return what the live slot ran at the last update, pinned; None before it. ``outputs`` saves asking Pulumi."""
        release = self.release(name)
        content = release.slots[release.live].settled
        if content.image is not None and content.pinned is not None:
            return content
        outputs = self.outputs() if outputs is None else outputs
        ran = evidence.ran(outputs, name).get(release.live)
        given = self.settings().images.get(self.service_spec(name).image)
        image = content.image or given or (ran.image if ran else _image(outputs, name, release.live))
        if image is None:
            return None
        content = content.model_copy(update={"image": image})
        if content.pinned is not None or ran is None or ran.revision is None:
            return self.pinned(name, content)
        return SlotRelease(image=image, revision=self.revisions.add(ran.revision))

    def config(self, name: str, content: SlotRelease) -> str:
        """Return the fingerprint of what a promotion carries to the next environment besides the image."""
        return fingerprint(self.revision(name, content).content)

    def write(self, name: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
        """Write a service's release and record in one atomic step, after the revisions that they name.

        Raises:
            Lost: the stack is another driver's.
        """
        before, after = set(named(self.file.path.read_bytes())), names_in(release, delivery)
        running = {name: self.revisions.get(name) for name in names_in(release, ServiceDelivery(run=delivery.run))}
        self.lock.record(name, carried(release, delivery, self.space_id(), running))
        self.revisions.write(after)
        self.file.write(name, release, delivery)
        self.revisions.write(after)  # the driver of another stack may have deleted one meanwhile
        self.revisions.drop(before - set(named(self.file.path.read_bytes())))

    def space_id(self) -> str:
        """Tell the stack's namespace from one of its name before it or after it; empty where that is not known."""
        if not self._space_id:
            with suppress(DeliveryError):
                found = self.cluster.get(f"/api/v1/namespaces/{self.namespace}")
                self._space_id = str(found["metadata"]["uid"]) if found is not None else ""
        return self._space_id

    def update(self, on_line: Callable[[str], None]) -> None:
        """Run ``pulumi up``, if the stack is still this driver's.

        Raises:
            UpdateFailed: it failed, or (UpdatePutOff) was not begun.
            Lost: the stack is another driver's.
        """
        try:
            self.lock.confirm()
        except ClusterUnavailable as error:
            raise UpdatePutOff(str(error)) from error
        self.engine.up(on_line)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as of its last update."""
        return self.engine.outputs()

    @cached_property
    def lock(self) -> Lock:
        """Says who drives the stack, on this machine and on others."""
        return Lock(self.project / ".slipway" / "delivery" / f"{self.stack}.lock", self.stack, self._lease)

    def _lease(self, holder: Holder) -> Lease:
        settings = self.settings()
        name = names.lease(self.namespace, settings.system.entry, self.stack)
        return Lease(self.cluster, settings.cluster.lock_namespace, name, holder)

    @contextmanager
    def exclusive(self, past: str | None = None) -> Generator[None]:
        """Hold the stack, and be fenced off where another driver takes it over. Raises Busy.

        ``past`` is the identity of a driver elsewhere that does not react: its Lease is taken over at once.
        """
        with self.lock.held(past):
            yield

    def owner(self) -> Holder | None:
        """Who drives the stack, from whatever machine; None if nobody does, or nobody can tell."""
        return self.lock.owner()

    def holder(self) -> int | None:
        """Process id of the driver that works on the stack from this checkout; None if none does."""
        found = self.lock.local()
        return found.pid if found is not None else None


def _image(outputs: Mapping[str, Any], service: str, slot: str) -> str | None:
    return outputs.get("services", {}).get(service, {}).get("slots", {}).get(slot, {}).get("image")
