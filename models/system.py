"""The one value that the components read: a system in one environment, with what every slot runs."""

from collections.abc import Iterator

from pydantic import ValidationError

from models.base import Model
from models.cluster import ClusterSettings
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, faults_of, nearest
from models.image import ImageBuild, ImageSettings
from models.release import BUILT, ServiceRelease
from models.service import ServiceSpec
from models.stack import StackSettings
from models.vocabulary import LABEL_LENGTH


class DeployedService(Model):
    """A service and its release."""

    spec: ServiceSpec
    release: ServiceRelease


class SystemSpec(Model):
    """Everything that a deployment depends on."""

    name: str
    environment: str
    namespace: str
    cluster: ClusterSettings
    image: ImageSettings | None
    builds: dict[str, ImageBuild]
    """The images that this stack builds; empty outside the building environment."""
    services: dict[str, DeployedService]


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
    services = _services(entry, environment)
    if faults := list(_faults(stack, entry, services)):
        raise ConfigurationError(faults)
    deployed = {
        name: DeployedService(spec=spec, release=stack.release.get(name, BUILT)) for name, spec in services.items()
    }
    used = {s.spec.image for s in deployed.values() for slot in s.release.slots.values() if slot.image is None}
    return SystemSpec(
        name=entry.name,
        environment=environment,
        namespace=_namespace(stack, entry),
        cluster=stack.cluster,
        image=stack.image,
        builds={key: build for key, build in entry.images.items() if key in used},
        services=deployed,
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


def _namespace(stack: StackSettings, entry: CatalogueEntry) -> str:
    return stack.system.namespace or f"{entry.name}-{stack.system.environment}"


def _route_faults(where: str, services: dict[str, ServiceSpec]) -> Iterator[str]:
    owners: dict[tuple[str, str], str] = {}
    for name, spec in services.items():
        for host in (spec.route.host, *spec.route.stable_hosts) if spec.route else ():
            route = (host, spec.route.path) if spec.route else (host, "")
            if (owner := owners.setdefault(route, name)) != name:
                yield f"{where}.{name}.route: {''.join(route)} leads to {owner} already; give it another host or path"


def _faults(stack: StackSettings, entry: CatalogueEntry, services: dict[str, ServiceSpec]) -> Iterator[str]:
    if len(namespace := _namespace(stack, entry)) > LABEL_LENGTH:
        yield f"slipway:system.namespace: the default, {namespace!r}, is over {LABEL_LENGTH} characters; give another"
    for name, release in stack.release.items():
        if name not in services:
            yield f"slipway:release.{name}: no such service ({', '.join(services)}){nearest(name, services)}"
        elif release.canary and services[name].route is None:
            yield f"slipway:release.{name}.slots: without a route nothing can split the traffic; fill one slot only"
    yield from _route_faults(f"catalog/{entry.name}.yaml: services", services)
    built = [
        f"slipway:release.{name}.slots.{slot}.image"
        for name in services
        for slot, content in stack.release.get(name, BUILT).slots.items()
        if content.image is None
    ]
    environment, first = stack.system.environment, entry.building_environment
    if environment != first:
        for path in built:
            yield f"{path}: required, only {first} builds; give the repository@sha256:<64 hex> that {first} runs"
    elif built and stack.image is None:
        yield f"slipway:image: not given, but {environment} builds an image; say at least its registry"
