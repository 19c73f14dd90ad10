"""One stack, opened: its file, its system, Pulumi, the cluster and Prometheus."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import catalog
from catalog import revisions
from components import names
from delivery.cluster.client import Cluster
from delivery.errors import ClusterUnavailable, DeliveryError, Unreadable, UpdatePutOff
from delivery.lock.holder import Holder
from delivery.lock.lease import Lease
from delivery.lock.lock import Lock
from delivery.metrics.prometheus import Prometheus
from delivery.release.revisions import Revisions
from delivery.stack_file.stack_file import StackFile
from delivery.stack_file.yaml_tree import Tree
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, nearest
from models.parsing import parse
from models.pins import Pins
from models.release import ServiceRelease
from models.resolve import refuse_another, resolve
from models.stack import StackSettings, refuse_own_source
from models.system import SystemSpec

if TYPE_CHECKING:
    from delivery.release.engine import Engine

T = TypeVar("T")

UNKNOWN_SPACE = "unknown"
"""In the place of a namespace's uid: the account may not read it, or the API server is away."""


@dataclass
class Stack:
    """A stack of a project. Anyone may read it; only the holder of its lock (:func:`exclusive`) may change it."""

    project: Path
    name: str
    _read: tuple[Tree, StackSettings] | None = field(default=None, init=False, repr=False)
    """The stack file as it was read last: the gate asks for it every half second."""
    _space_id: str = field(default="", init=False, repr=False)

    @classmethod
    def open(cls, project: Path, name: str) -> "Stack":
        """Open a stack; raises DeliveryError naming those that there are."""
        known = sorted(path.stem.removeprefix("Pulumi.") for path in project.glob("Pulumi.*.yaml"))
        if name not in known:
            raise DeliveryError(f"{name}: no such stack ({', '.join(known)}){nearest(name, known)}")
        return cls(project, name)

    @cached_property
    def file(self) -> StackFile:
        """The stack file."""
        return StackFile(self.project / f"Pulumi.{self.name}.yaml")

    @cached_property
    def engine(self) -> "Engine":
        """Pulumi. Its API takes 0.4 s to load: an abort and a switch back move traffic before that."""
        from delivery.release.engine import Engine  # noqa: PLC0415 -- see above

        return Engine(self.project, self.name)

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
        """Return Prometheus for a user that requires it; raises DeliveryError if the stack names none."""
        if self.metrics is None:
            raise DeliveryError(f"{self.name}: slipway:cluster.metricsUrl: required by {user}; say where Prometheus is")
        return self.metrics

    def settings(self) -> StackSettings:
        """The stack file's settings at this moment; raises DeliveryError, one line per fault."""
        tree = self.file.tree()
        if self._read is None or self._read[0] is not tree:
            self._read = tree, self._understood(self._settings)
        return self._read[1]

    def _settings(self) -> StackSettings:
        settings = parse(StackSettings, self.file.values(), "slipway:")
        refuse_own_source(self.name, settings)
        return settings

    @cached_property
    def entry(self) -> CatalogueEntry:
        """The stack's catalogue entry, as it was when it was read first: a release does not change its strategy."""
        return self._understood(self._entry)

    def _entry(self) -> CatalogueEntry:
        settings = self.settings()
        name = settings.system.entry
        entry = parse(CatalogueEntry, catalog.read(name, self.project / "catalog"), f"catalog/{name}.yaml: ")
        refuse_another(settings, entry)
        return entry

    def spec(self) -> SystemSpec:
        """The system as the stack file declares it at this moment."""
        return self._understood(lambda: self._resolved(self.settings()))

    def spec_read_last(self) -> SystemSpec:
        """The system as the stack file declared it when it could be read last."""
        settings = self._read[1] if self._read is not None else self.settings()
        return self._resolved(settings)

    def refuse_undeployable(self, service: str, release: ServiceRelease) -> None:
        """Raise DeliveryError, one line per fault, if ``pulumi up`` would refuse the stack file with this release."""
        settings = self.settings()
        settings = settings.model_copy(update={"release": {**settings.release, service: release}})
        named = {content.pinned for one in settings.release.values() for content in one.slots.values()}
        pins = Pins(revisions={name: self.revisions.get(name) for name in named if name is not None})
        self._understood(lambda: resolve(settings, self.entry, pins))

    def _resolved(self, settings: StackSettings) -> SystemSpec:
        return resolve(settings, self.entry, Pins(revisions=revisions.read(self.project, settings)))

    def _understood(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ConfigurationError as error:
            raise Unreadable("\n".join(f"{self.file.path.name}: {fault}" for fault in error.faults)) from error

    @property
    def environment(self) -> str:
        """The entry's environment that this stack is."""
        return self.settings().system.environment

    @property
    def namespace(self) -> str:
        """Where the system runs."""
        return self.settings().system.space

    @cached_property
    def revisions(self) -> Revisions:
        """The project's revisions."""
        return Revisions(self.project)

    def space_id(self) -> str:
        """Tell the stack's namespace from one of its name before or after it; empty where there is none."""
        if not self._space_id:
            try:
                found = self.cluster.get(f"/api/v1/namespaces/{self.namespace}")
            except DeliveryError:
                return UNKNOWN_SPACE
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
        return Lock(self.project / ".slipway" / "delivery" / f"{self.name}.lock", self.name, self._lease)

    def _lease(self, holder: Holder) -> Lease:
        settings = self.settings()
        name = names.lease(self.namespace, settings.system.entry, self.name)
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
