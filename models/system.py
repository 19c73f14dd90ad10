"""The one value that the components read: a system in one environment, with what every slot runs."""

from pydantic import Field, ValidationError

from models import fitting
from models.base import Model
from models.cluster import ClusterSettings
from models.delivery import ServiceDelivery
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, faults_of, nearest
from models.external import External, ObjectStorage, Server
from models.image import ImageBuild, ImageSettings
from models.jobs import JobSpec
from models.release import BUILT, ServiceRelease
from models.secrets import SecretSource, SecretSpec
from models.service import ServiceSpec
from models.stack import StackSettings
from models.storage import Volume
from models.stores import StoreSpec


class DeployedService(Model):
    """A service and its release."""

    spec: ServiceSpec
    release: ServiceRelease
    delivery: ServiceDelivery = ServiceDelivery()


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


def resolve(stack: StackSettings, entry: CatalogueEntry) -> SystemSpec:
    """Join a stack's settings with its catalogue entry.

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
    system = _system(stack, entry, _services(entry, environment))
    if faults := list(fitting.faults(stack, entry, system)):
        raise ConfigurationError(faults)
    return system


def _system(stack: StackSettings, entry: CatalogueEntry, services: dict[str, ServiceSpec]) -> SystemSpec:
    environment = stack.system.environment
    changes = entry.environments[environment]
    deployed = {
        name: DeployedService(
            spec=spec,
            release=stack.release.get(name, BUILT),
            delivery=stack.delivery.get(name, ServiceDelivery()),
        )
        for name, spec in services.items()
    }
    stores = {name: entry.store_in(environment, name) for name in entry.stores}
    used = {s.spec.image for s in deployed.values() for slot in s.release.slots.values() if slot.image is None}
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
