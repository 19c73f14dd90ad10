"""The one value that the components read: a system in one environment, with what every slot runs."""

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
    """What each slot ran at the last update; a slot of which the state says nothing is missing."""
    judged: dict[str, Revision] = Field(default_factory=dict)
    """By hash: the revisions of verdicts, which the next environment compares with what it would run."""
    delivery: ServiceDelivery = ServiceDelivery()

    def runs(self, slot: SlotName) -> ServiceSpec:
        """Return the service as a slot runs it."""
        return self.spec.with_slot(self.revisions[slot].whole)

    @property
    def every(self) -> list[ServiceSpec]:
        """The service as each slot runs it, the live slot first. Shared objects must serve all of them."""
        return [self.runs(slot) for slot in sorted(self.revisions, key=lambda slot: slot != self.release.live)]

    @property
    def named(self) -> dict[str, Revision]:
        """Every revision that the stack exports, by hash."""
        return self.judged | {self.name_of(slot): revision for slot, revision in self.revisions.items()}

    def name_of(self, slot: SlotName) -> str:
        """Return the hash of a slot's revision: the one in the stack file, or else the hash of the content."""
        return self.release.slots[slot].pinned or self.revisions[slot].name


class DeployedSecret(Model):
    """A secret of the entry and where this stack takes it from."""

    spec: SecretSpec
    source: SecretSource


class SystemSpec(Model):
    """Everything that a deployment depends on."""

    name: str
    environment: str
    namespace: str
    existing_namespace: bool = False
    """Whether the namespace is somebody else's: used, not owned."""
    discard: tuple[str, ...] = ()
    """What an update may delete or replace with its data, as kind/name."""
    cluster: ClusterSettings
    image: ImageSettings | None
    builds: dict[str, ImageBuild]
    """The images that this stack builds; empty outside the building environment."""
    images: dict[str, str]
    """The images that it takes by digest, by key."""
    services: dict[str, DeployedService]
    stores: dict[str, StoreSpec] = Field(default_factory=dict)
    jobs: dict[str, JobSpec] = Field(default_factory=dict)
    volumes: dict[str, Volume] = Field(default_factory=dict)
    secrets: dict[str, DeployedSecret] = Field(default_factory=dict)
    object_storage: ObjectStorage | None = None
    externals: dict[str, Server] = Field(default_factory=dict)
    tracing: External | None = None
    entry: CatalogueEntry
    """Where it came from: evidence of another environment is compared with what the entry gives there."""
    source: str | None = None
    """The stack that must have vouched for what runs here."""
    protect: bool = False

    @property
    def pull_secrets(self) -> list[str]:
        """The Secrets that pods of the system pull images with."""
        own = [name for name, secret in self.secrets.items() if secret.spec.kind == "registry"]
        return [*own, *self.cluster.pull_secrets]


def pending(system: SystemSpec, stack: str) -> Iterator[tuple[str, bool]]:
    """Yield one line for each live slot that does not run the current entry, and whether it is a warning."""
    for name, service in system.services.items():
        live = service.release.live
        paths = list(service.revisions[live].changes(service.spec.of_slot))
        if paths:
            yield f"{name}: {differ(paths, live, f'slipway release {stack} {name}', 'releases')}", False
