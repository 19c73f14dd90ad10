"""Combine a stack's settings and its catalogue entry into the value that the program deploys."""

from collections.abc import Mapping

from models import stack_rules
from models.delivery import ServiceDelivery
from models.entry import CatalogueEntry
from models.errors import ConfigurationError, nearest
from models.pins import NO_PINS, Pins, Ran
from models.release import BUILT, SlotRelease
from models.revision import Revision
from models.service import ServiceSpec
from models.stack import StackSettings
from models.strategy import Rolling
from models.system import DeployedSecret, DeployedService, SystemSpec
from models.vocabulary import SlotName


def resolve(stack: StackSettings, entry: CatalogueEntry, pins: Pins = NO_PINS) -> SystemSpec:
    """Combine a stack's settings with its catalogue entry and the revisions of its slots.

    Raises:
        ConfigurationError: one line for each conflict between the settings and the entry.
    """
    refuse_another(stack, entry)
    environment = stack.system.environment
    system = _system(stack, entry, _deployed(stack, _services(entry, environment), pins))
    if faults := list(stack_rules.faults(stack, entry, system)):
        raise ConfigurationError(faults)
    return system


def refuse_another(stack: StackSettings, entry: CatalogueEntry) -> None:
    """Raise ConfigurationError if this is not the stack's entry, or if the entry lacks the stack's environment."""
    environment = stack.system.environment
    if entry.name != stack.system.entry:
        file = f"catalog/{stack.system.entry}.yaml"
        raise ConfigurationError([f"{file}: name: {entry.name!r} differs from the file name; make both the same"])
    if environment not in entry.environments:
        where = f"catalog/{stack.system.entry}.yaml ({', '.join(entry.environments)})"
        hint = nearest(environment, entry.environments)
        fault = f"slipway:system.environment: {environment!r} is not an environment of {where}{hint}"
        raise ConfigurationError([fault])


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
            ran={slot: one.revision for slot, one in pins.ran.get(name, {}).items() if one.revision is not None},
            judged={name: pins.revisions[name] for name in judged if name in pins.revisions},
            delivery=delivery,
        )
    return deployed


def _filled(content: SlotRelease, ran: Ran | None, *, built: bool) -> SlotRelease:
    """Keep the image that an unpinned slot runs, if the stack would otherwise take a new one from the tree."""
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
    used |= {loader for service in deployed.values() for loader in service.loaders}
    return SystemSpec(
        name=entry.name,
        environment=environment,
        namespace=stack.system.space,
        existing_namespace=stack.system.existing_namespace,
        discard=stack.system.discard,
        cluster=stack.cluster,
        image=stack.image,
        builds={key: build for key, build in entry.built.items() if key in used - stack.images.keys()},
        images={key: image for key, image in {**entry.references, **stack.images}.items() if key in used},
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
        except ConfigurationError as error:
            faults += error.faults
    if faults:
        raise ConfigurationError(faults)
    return services
