"""One open stack: its file, its system, Pulumi, the cluster and Prometheus."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import catalog
from catalog import revisions
from catalog.fault_lines import located
from catalog.project_file import ProjectFile
from catalog.yaml_document import Document
from components import names
from delivery.cluster.client import Cluster
from delivery.cluster.pods import Pods
from delivery.errors import ClusterUnavailable, DeliveryError, Unreadable, UpdatePutOff
from delivery.lock.holder import Holder
from delivery.lock.lease import Lease
from delivery.lock.lock import Lock
from delivery.metrics.counting import Metrics
from delivery.metrics.direct import Direct
from delivery.metrics.prometheus import Prometheus
from delivery.release.configuration import Configuration, Setting
from delivery.release.revisions import Revisions
from delivery.stack_file.stack_file import StackFile
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, nearest
from models.evidence import ran
from models.parsing import parse
from models.pins import Pins, Ran
from models.release import BUILT, ServiceRelease
from models.resolve import refuse_another, resolve
from models.service import ServiceSpec
from models.stack import StackSettings, refuse_own_source
from models.system import SystemSpec
from models.vocabulary import SlotName

if TYPE_CHECKING:
    from delivery.release.engine import Engine

T = TypeVar("T")


UNKNOWN_SPACE = "unknown"
"""Stands for a namespace's UID that is unknown: the account may not read it, or the API server is unavailable."""


@dataclass
class Stack:
    """A stack of a project. Anyone may read it; only the holder of its lock (:func:`exclusive`) may change it."""

    project: Path
    name: str
    _read: tuple[Document, StackSettings] | None = field(default=None, init=False, repr=False)
    """The stack file as last read. It is cached because the gate reads it every half second."""
    _space_id: str = field(default="", init=False, repr=False)

    @classmethod
    def open(cls, project: Path, name: str) -> "Stack":
        """Open a stack; raise DeliveryError, with the known names, if there is no stack of this name."""
        known = ProjectFile.read(project).stacks()
        if name not in known:
            raise DeliveryError(f"{name}: no such stack ({', '.join(known)}){nearest(name, known)}")
        return cls(project, name)

    @cached_property
    def file(self) -> StackFile:
        """The stack file."""
        return StackFile(self.project_file.stack_file(self.name))

    @cached_property
    def project_file(self) -> ProjectFile:
        """The project file."""
        return ProjectFile.read(self.project)

    @cached_property
    def engine(self) -> "Engine":
        """Pulumi, imported on first use: its API takes 0.4 s to load, too long before an abort or a switch back."""
        from delivery.release.engine import Engine  # noqa: PLC0415 -- see above

        return Engine(self.project, self.name)

    @cached_property
    def cluster(self) -> Cluster:
        """The stack's cluster."""
        return Cluster(self.settings().cluster.context)

    @cached_property
    def metrics(self) -> Metrics | None:
        """What the gate reads, if the stack names it."""
        cluster = self.settings().cluster
        prometheus = Prometheus(cluster.prometheus) if cluster.prometheus else None
        return Direct(Pods(cluster.context), cluster, prometheus=prometheus) if cluster.direct else prometheus

    def required_metrics(self, user: str) -> Metrics:
        """Return the metrics source for ``user``, which requires it; raise DeliveryError if the stack names none."""
        if self.metrics is None:
            raise DeliveryError(
                f"{self.name}: slipway:cluster.metricsUrl: required by {user}; set it to the URL of Prometheus, or set "
                "slipway:cluster.metrics: direct"
            )
        return self.metrics

    def settings(self) -> StackSettings:
        """Return the stack file's current settings; raise DeliveryError with one line per fault."""
        tree = self.file.tree()
        if self._read is None or self._read[0] is not tree:
            self._read = tree, self._understood(self._settings)
        return self._read[1]

    def _settings(self) -> StackSettings:
        values = self.configuration.values()
        try:
            settings = parse(StackSettings, values, "slipway:")
        except ConfigurationError as error:
            raise ConfigurationError([self.configuration.masked(fault) for fault in error.faults]) from None
        refuse_own_source(self.name, settings)
        return settings

    @cached_property
    def configuration(self) -> Configuration:
        """The reader of the stack's values."""
        return Configuration(self.file, self.project_file, self._asked)

    def _asked(self) -> dict[str, Setting]:
        return self.engine.config()

    @cached_property
    def entry(self) -> CatalogueEntry:
        """The stack's catalogue entry, read only once, so that the strategy does not change during a release."""
        return self._understood(self._entry)

    def _entry(self) -> CatalogueEntry:
        settings = self.settings()
        name = settings.system.entry
        entry = catalog.entry(name, self.project / "catalog")
        refuse_another(settings, entry)
        return entry

    def service_in_environment(self, name: str) -> ServiceSpec:
        """Return a service of the entry in this stack's environment; raise Unreadable if they do not fit."""
        return self._understood(lambda: self.entry.service_in(self.environment, name))

    def spec(self) -> SystemSpec:
        """Return the system as the stack file declares it now."""
        return self._understood(lambda: self._resolved(self.settings()))

    def spec_read_last(self) -> SystemSpec:
        """Return the system as the stack file declared it when it was last readable."""
        settings = self._read[1] if self._read is not None else self.settings()
        return self._resolved(settings)

    def refuse_undeployable(self, service: str, release: ServiceRelease) -> None:
        """Raise DeliveryError, one line per fault, if ``pulumi up`` would refuse the stack file with this release."""
        settings = self.settings()
        settings = settings.model_copy(update={"release": {**settings.release, service: release}})
        slots = [slot for name in self.entry.services for slot in settings.release.get(name, BUILT).slots.values()]
        named = {slot.pinned for slot in slots if slot.pinned is not None}
        pins = Pins(
            revisions={name: self.revisions.get(name) for name in named},
            ran={} if all(slot.revision for slot in slots) else self._ran(),
        )
        self._understood(lambda: resolve(settings, self.entry, pins))

    def _ran(self) -> dict[str, dict[SlotName, Ran]]:
        """Return what each slot ran at the last update, which unpinned slots keep; empty before the first update."""
        try:
            outputs = self.outputs()
        except DeliveryError as error:
            if "no stack named" not in str(error):
                raise
            return {}
        return {name: ran(outputs, name) for name in self.entry.services}

    def _resolved(self, settings: StackSettings) -> SystemSpec:
        return resolve(settings, self.entry, Pins(revisions=revisions.read(self.project, settings)))

    def _understood(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ConfigurationError as error:
            raise Unreadable("\n".join(self._located(error))) from error

    def _located(self, error: ConfigurationError) -> list[str]:
        try:
            values = self.configuration.values()
        except (ConfigurationError, DeliveryError):
            values = dict[str, object]()
        return located(error.faults, values, self.file.path, self.project / "catalog")

    @property
    def environment(self) -> str:
        """The stack's environment in the catalogue entry."""
        return self.settings().system.environment

    @property
    def namespace(self) -> str:
        """The namespace that the system runs in."""
        return self.settings().system.space

    @cached_property
    def revisions(self) -> Revisions:
        """The project's revisions."""
        return Revisions(self.project, self.project_file.folder)

    def space_id(self) -> str:
        """Return the UID of the stack's namespace: empty if it does not exist, ``UNKNOWN_SPACE`` if it cannot be read.

        A namespace that was deleted and created again has another UID.
        """
        if not self._space_id:
            try:
                found = self.cluster.get(f"/api/v1/namespaces/{self.namespace}")
            except DeliveryError:
                return UNKNOWN_SPACE
            self._space_id = str(found["metadata"]["uid"]) if found is not None else ""
        return self._space_id

    def update(self, on_line: Callable[[str], None]) -> None:
        """Run ``pulumi up`` if this driver still owns the stack.

        Raises:
            UpdateFailed: the update failed, or (UpdatePutOff) did not begin.
            Lost: another driver owns the stack.
        """
        try:
            self.lock.confirm()
        except ClusterUnavailable as error:
            raise UpdatePutOff(str(error)) from error
        self.engine.up(on_line)

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs as of its last update."""
        return self.engine.outputs()

    @cached_property
    def lock(self) -> Lock:
        """The lock that says who drives the stack, on this machine and on others."""
        return Lock(self.project / ".slipway" / "delivery" / f"{self.name}.lock", self.name, self._lease)

    def _lease(self, holder: Holder) -> Lease:
        settings = self.settings()
        name = names.lease(self.namespace, settings.system.entry, self.name)
        return Lease(self.cluster, settings.cluster.lock_namespace, name, holder)

    @contextmanager
    def exclusive(self, past: str | None = None) -> Generator[None]:
        """Acquire the stack lock, or raise Busy. This driver can no longer write once another one takes the stack over.

        ``past`` is the identity of a driver elsewhere that does not respond: its Lease is taken over without waiting.
        """
        with self.lock.held(past):
            yield

    def owner(self) -> Holder | None:
        """Return the driver of the stack, on any machine; None if there is no driver, or it cannot be determined."""
        return self.lock.owner()

    def holder(self) -> int | None:
        """Return the process ID of the driver that works on the stack from this checkout; None if there is none."""
        found = self.lock.local()
        return found.pid if found is not None else None
