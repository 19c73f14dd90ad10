"""The value that all components read: a system in one environment, with what each slot runs."""

from collections.abc import Iterator

from pydantic import Field

from models.base import Model
from models.cluster import ClusterSettings
from models.delivery import ServiceDelivery
from models.entry import CatalogueEntry
from models.errors import differ
from models.external import External, ObjectStorage, Server
from models.image import ImageBuild, ImageSettings
from models.jobs import JobSpec
from models.release import ServiceRelease
from models.revision import Revision
from models.secrets import SecretSource, SecretSpec
from models.service import ServiceSpec
from models.storage import Volume
from models.stores import StoreSpec
from models.vocabulary import SlotName


class DeployedService(Model):
    """A service and its release."""

    spec: ServiceSpec
    """The current catalogue entry; fields that belong to both slots are read from here."""
    release: ServiceRelease
    revisions: dict[SlotName, Revision]
    """What each slot runs besides its image, pinned or not."""
    ran: dict[SlotName, Revision] = Field(default_factory=dict[SlotName, Revision])
    """What each slot ran at the last update. Slots without an entry in the state are missing."""
    judged: dict[str, Revision] = Field(default_factory=dict)
    """The revisions of verdicts, by hash. The next environment compares them with what it would run."""
    delivery: ServiceDelivery = ServiceDelivery()

    def runs(self, slot: SlotName) -> ServiceSpec:
        """Return the service as a slot runs it."""
        return self.spec.with_slot(self.revisions[slot].whole)

    @property
    def every(self) -> list[ServiceSpec]:
        """The service as each slot runs it, the live slot first. Objects that the slots share must fit all of them."""
        return [self.runs(slot) for slot in sorted(self.revisions, key=lambda slot: slot != self.release.live)]

    @property
    def named(self) -> dict[str, Revision]:
        """Every revision that the stack exports, by hash."""
        return self.judged | {self.name_of(slot): revision for slot, revision in self.revisions.items()}

    def name_of(self, slot: SlotName) -> str:
        """Return the hash of a slot's revision: the one in the stack file, or otherwise the hash of the content."""
        return self.release.slots[slot].pinned or self.revisions[slot].name


class DeployedSecret(Model):
    """A secret of the entry, and its source in this stack."""

    spec: SecretSpec
    source: SecretSource


class SystemSpec(Model):
    """Everything that a deployment depends on."""

    name: str
    environment: str
    namespace: str
    existing_namespace: bool = False
    """Whether somebody else owns the namespace. The stack then neither changes nor deletes it."""
    discard: tuple[str, ...] = ()
    """Objects that an update may delete or replace, including their data, as kind/name."""
    cluster: ClusterSettings
    image: ImageSettings | None
    builds: dict[str, ImageBuild]
    """The images that this stack builds; empty outside the building environment."""
    images: dict[str, str]
    """The images that the stack takes by digest, by image key."""
    services: dict[str, DeployedService]
    stores: dict[str, StoreSpec] = Field(default_factory=dict)
    jobs: dict[str, JobSpec] = Field(default_factory=dict)
    volumes: dict[str, Volume] = Field(default_factory=dict)
    secrets: dict[str, DeployedSecret] = Field(default_factory=dict)
    object_storage: ObjectStorage | None = None
    externals: dict[str, Server] = Field(default_factory=dict)
    tracing: External | None = None
    entry: CatalogueEntry
    """The source of this system. Evidence of another environment is compared with the entry's values there."""
    source: str | None = None
    """The stack whose evidence is required for what runs here."""
    protect: bool = False

    @property
    def pull_secrets(self) -> list[str]:
        """The Secrets with which the system's pods pull images."""
        own = [name for name, secret in self.secrets.items() if secret.spec.kind == "registry"]
        return [*own, *self.cluster.pull_secrets]


def pending(system: SystemSpec, stack: str) -> Iterator[tuple[str, bool]]:
    """Yield one line for each live slot that does not run the current entry, and whether it is a warning."""
    for name, service in system.services.items():
        live = service.release.live
        paths = list(service.revisions[live].changes(service.spec.of_slot))
        if paths:
            yield f"{name}: {differ(paths, live, f'slipway release {stack} {name}', 'releases')}", False
