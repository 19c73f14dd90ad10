"""The one value that the components read: a system in one environment, with what every slot runs."""

from collections.abc import Iterator, Mapping

from pydantic import Field, ValidationError

from models import fitting
from models.base import Model
from models.cluster import ClusterSettings
from models.delivery import ServiceDelivery
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, differ, faults_of, nearest
from models.external import External, ObjectStorage, Server
from models.image import ImageBuild, ImageSettings
from models.jobs import JobSpec
from models.pins import NO_PINS, Pins, Ran
from models.release import BUILT, ServiceRelease, SlotRelease
from models.revision import Revision
from models.secrets import SecretSource, SecretSpec
from models.service import ServiceSpec
from models.stack import StackSettings
from models.storage import Volume
from models.stores import StoreSpec
from models.strategy import Rolling
from models.vocabulary import SlotName


class DeployedService(Model):
    """A service and its release."""

    spec: ServiceSpec
    """The current catalogue entry; fields that belong to both slots are read from here."""
    release: ServiceRelease
    revisions: dict[SlotName, Revision]
    """What each slot runs besides its image, pinned or not."""
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


def resolve(stack: StackSettings, entry: CatalogueEntry, pins: Pins = NO_PINS) -> SystemSpec:
    """Combine a stack's settings with its catalogue entry and the revisions of its slots.

    Raises:
        ConfigurationError: one line for each thing in which the two do not fit together.
    """
    environment = stack.system.environment
    if entry.name != stack.system.entry:
        file = f"catalog/{stack.system.entry}.yaml"
        raise ConfigurationError([f"{file}: name: {entry.name!r} differs from the file's name; make them the same"])
    if environment not in entry.environments:
        where = f"catalog/{stack.system.entry}.yaml ({', '.join(entry.environments)})"
        hint = nearest(environment, entry.environments)
        fault = f"slipway:system.environment: {environment!r} is no environment of {where}{hint}"
        raise ConfigurationError([fault])
    system = _system(stack, entry, _deployed(stack, _services(entry, environment), pins))
    if faults := list(fitting.faults(stack, entry, system)):
        raise ConfigurationError(faults)
    return system


def _deployed(stack: StackSettings, services: dict[str, ServiceSpec], pins: Pins) -> dict[str, DeployedService]:
    deployed: dict[str, DeployedService] = {}
    for name, spec in services.items():
        release = stack.release.get(name, BUILT)
        # With rolling, slots follow the entry. Otherwise an unpinned slot keeps what it ran at the last update.
        ran = {} if isinstance(spec.release, Rolling) else pins.ran.get(name, {})
        built = spec.image not in stack.images
        slots: dict[SlotName, SlotRelease] = {
            slot: _filled(content, ran.get(slot), built=built) for slot, content in release.slots.items()
        }
        revisions: dict[SlotName, Revision] = {
            slot: _revision(spec, content, ran.get(slot), pins.revisions) for slot, content in slots.items()
        }
        delivery = stack.delivery.get(name, ServiceDelivery())
        judged = [verdict.revision for verdict in delivery.verdicts if verdict.revision and verdict.counts]
        deployed[name] = DeployedService(
            spec=spec,
            release=release.model_copy(update={"slots": slots}),
            revisions=revisions,
            judged={name: pins.revisions[name] for name in judged if name in pins.revisions},
            delivery=delivery,
        )
    return deployed


def _filled(content: SlotRelease, ran: Ran | None, *, built: bool) -> SlotRelease:
    """Keep the image that an unpinned slot runs, where the stack would otherwise build a new one."""
    if content.image is None and content.revision is None and built and ran is not None and ran.revision is not None:
        return content.model_copy(update={"image": ran.image})
    return content


def _revision(spec: ServiceSpec, content: SlotRelease, ran: Ran | None, revisions: Mapping[str, Revision]) -> Revision:
    if content.pinned is not None:
        return revisions[content.pinned]
    fresh = Revision.of(spec, content)
    if content.revision is None and ran is not None and ran.revision is not None:
        return fresh.model_copy(update={"spec": ran.revision.spec})
    return fresh


def _system(stack: StackSettings, entry: CatalogueEntry, deployed: dict[str, DeployedService]) -> SystemSpec:
    environment = stack.system.environment
    changes = entry.environments[environment]
    stores = {name: entry.store_in(environment, name) for name in entry.stores}
    used = {
        service.revisions[slot].spec.image
        for service in deployed.values()
        for slot, content in service.release.slots.items()
        if content.image is None
    }
    used |= {spec.image for spec in (*stores.values(), *changes.jobs.values())}
    return SystemSpec(
        name=entry.name,
        environment=environment,
        namespace=stack.system.space,
        existing_namespace=stack.system.existing_namespace,
        discard=stack.system.discard,
        cluster=stack.cluster,
        image=stack.image,
        builds={key: build for key, build in entry.images.items() if key in used - stack.images.keys()},
        images={key: image for key, image in stack.images.items() if key in used},
        services=deployed,
        stores=stores,
        jobs=changes.jobs,
        volumes=entry.volumes_in(environment),
        secrets={
            name: DeployedSecret(spec=spec, source=stack.secrets[name])
            for name, spec in entry.secrets.items()
            if name in stack.secrets
        },
        object_storage=stack.object_storage,
        externals=stack.externals,
        tracing=stack.tracing,
        entry=entry,
        source=stack.source,
        protect=changes.protect,
    )


def _services(entry: CatalogueEntry, environment: str) -> dict[str, ServiceSpec]:
    services: dict[str, ServiceSpec] = {}
    faults: list[str] = []
    for name in entry.services:
        try:
            services[name] = entry.service_in(environment, name)
        except ValidationError as error:
            where = f"catalog/{entry.name}.yaml: environments.{environment}.services.{name}."
            faults += faults_of(error, ServiceSpec, where)
    if faults:
        raise ConfigurationError(faults)
    return services
