"""Rules that a stack's settings and its catalogue entry must satisfy together."""

from collections.abc import Iterator
from decimal import Decimal

from models import entry_rules, series_rules, traffic_rules
from models.entry import CatalogueEntry
from models.errors import nearest
from models.image import ImageSettings
from models.limits import files_fault
from models.parsing import decoded
from models.quantity import bytes_text, parse
from models.release import Match, SlotRelease
from models.scaling import Triggered
from models.secrets import REGISTRY_KEY, ExternalSecret, GivenSecret
from models.server import OTHER
from models.service import ServiceSpec
from models.stack import StackSettings
from models.system import SystemSpec
from models.vocabulary import LABEL_LENGTH

_MOST_OF_A_CLASS = parse("8Pi")
"""The API server computes with thousandths of a byte, in 63 bits."""


def faults(stack: StackSettings, entry: CatalogueEntry, system: SystemSpec) -> Iterator[str]:
    """Yield one line for each conflict between a stack and its entry."""
    if len(system.namespace) > LABEL_LENGTH:
        shown = f"the default, {system.namespace!r}, has more than {LABEL_LENGTH} characters"
        yield f"slipway:system.namespace: {shown}; set a shorter name"
    if unfit := list(_release_faults(stack, system)):
        yield from unfit
        return  # the other rules read what the slots run, so the slots must be valid
    yield from traffic_rules.faults(system)
    yield from _node_port_faults(system)
    yield from _image_faults(stack, entry, system)
    yield from _secret_faults(stack, entry)
    yield from _storage_faults(system)
    yield from _trigger_faults(system)
    yield from _size_faults(system)
    yield from _class_faults(system)
    yield from _external_faults(system)
    yield from _pinned_faults(entry, system)
    yield from series_rules.faults(system)


def _release_faults(stack: StackSettings, system: SystemSpec) -> Iterator[str]:
    services = system.services
    for name in stack.delivery:
        if name not in services:  # no service would read the record, and no error would say so
            known = ", ".join(services)
            yield f"slipway:delivery.{name}: no such service ({known}){nearest(name, services)}"
    for name, release in stack.release.items():
        where = f"slipway:release.{name}"
        if name not in services:
            yield f"{where}: no such service ({', '.join(services)}){nearest(name, services)}"
            continue
        spec = services[name].spec
        if spec.route is None and release.match != Match():
            yield f"{where}.match: requires a route, because only a proxy reads headers and cookies; remove it"
        for slot, content in release.slots.items():
            yield from _slot_faults(f"{where}.slots.{slot}", name, spec, content)


def _slot_faults(where: str, name: str, spec: ServiceSpec, content: SlotRelease) -> Iterator[str]:
    if content.model is not None and spec.model is None:
        yield f"{where}.model: the service {name} has no model; remove it"
    if content.model is not None and spec.model is not None and content.model.scheme != spec.model.scheme:
        yield (
            f"{where}.model.uri: {content.model.scheme}:// and {spec.model.scheme}:// of the "
            "entry reach the pod in different ways; use the scheme of the entry"
        )
    if content.model is not None and content.model.manifest and spec.model and spec.model.loader is None:
        yield f"{where}.model.manifest: is read by the loader, but the entry's model has none; set model.loader there"
    if content.files is not None and spec.files is None:
        yield f"{where}.files: the service {name} has no files; declare files in the entry first"
    if content.server is not None and spec.owned is None:
        yield f"{where}.server: the service {name} has server: {OTHER}; remove it"


def _pinned_faults(entry: CatalogueEntry, system: SystemSpec) -> Iterator[str]:
    """Yield one line for everything that a pinned slot needs but the entry lacks now: its pods could not restart."""
    for name, service in system.services.items():
        for slot, revision in service.revisions.items():
            if revision.spec == service.spec.of_slot:
                continue
            needed = revision.whole.model_copy(update={"image": service.spec.image})  # the slot's image is a digest
            for fault in entry_rules.slot_faults("", entry, name, needed):
                yield f"slipway:release.{name}.slots.{slot}: {_pinned_fault(fault)}"


def _pinned_fault(fault: str) -> str:
    """Return a fault of a pinned slot. A revision never changes, so the remedy is always in the entry."""
    if fault.startswith("."):
        return f"its revision's {fault[1:]}; keep it in the entry until a release has replaced the slot"
    rule = fault.removeprefix(": ").rpartition("; ")[0]
    return f"in its revision, {rule}; undo this change of the entry until a release has replaced the slot"


def _node_port_faults(system: SystemSpec) -> Iterator[str]:
    owners: dict[int, str] = {}
    for name, service in system.services.items():
        port = service.spec.exposure.node_port
        if port is not None and (owner := owners.setdefault(port, name)) != name:
            where = f"catalog/{system.name}.yaml: services.{name}.exposure.nodePort"
            yield f"{where}: the service {owner} already uses port {port}; choose another port"


def _image_faults(stack: StackSettings, entry: CatalogueEntry, system: SystemSpec) -> Iterator[str]:
    for key in (key for key in stack.images if key not in entry.images):
        yield f"slipway:images.{key}: no such image ({', '.join(entry.images)}){nearest(key, entry.images)}"
    environment, first = stack.system.environment, entry.building_environment
    if environment == first:
        if system.builds and stack.image is None:
            yield f"slipway:image: required, because {environment} builds an image; set at least its registry"
        elif stack.image is not None:
            yield from _build_secret_faults(system, stack.image)
        return
    for name, service in system.services.items():
        for slot, content in service.release.slots.items():
            if content.image is None and service.revisions[slot].spec.image in system.builds:
                path = f"slipway:release.{name}.slots.{slot}.image"
                yield (
                    f"{path}: required, because only {first} builds images; "
                    f"set the repository@sha256:<64 hex> that {first} runs"
                )
    users = [(name, spec.image) for name, spec in (*system.stores.items(), *system.jobs.items())]
    users += [(name, loader) for name, service in system.services.items() for loader in sorted(service.loaders)]
    for name, key in users:
        if key in system.builds:
            needed = f"required by {name}, because only {first} builds images"
            yield f"slipway:images.{key}: {needed}; set the repository@sha256:<64 hex> that {first} runs"


def _build_secret_faults(system: SystemSpec, settings: ImageSettings) -> Iterator[str]:
    """Yield a line for each secret that a Dockerfile mounts and that has no source: the build would fail late."""
    for key, build in system.builds.items():
        for name in build.secrets:
            if name not in settings.secrets:
                needed = f"required by images.{key}.secrets of the entry"
                yield f"slipway:image.secrets.{name}: {needed}; set environment or file (builder: docker-build)"


def _secret_faults(stack: StackSettings, entry: CatalogueEntry) -> Iterator[str]:
    for name in (name for name in stack.secrets if name not in entry.secrets):
        known = ", ".join(entry.secrets) or "there is none"
        yield f"slipway:secrets.{name}: no such secret in the entry ({known}){nearest(name, entry.secrets)}"
    for name, spec in entry.secrets.items():
        where = f"slipway:secrets.{name}"
        if spec.kind == "registry" and name in stack.secrets and name in stack.cluster.pull_secrets:
            yield f"slipway:cluster.pullSecrets: {name!r} is already a secret of the entry; remove it here"
        source = stack.secrets.get(name)
        if source is None and spec.kind == "registry":
            continue  # this environment's registry allows anonymous pulls
        if source is None:
            command = f"pulumi config set --secret --path '{where}.values.{spec.names[0]}' …"
            yield f"{where}: required; set values ({command}), environment or externalSecret"
        elif not isinstance(source, ExternalSecret) and source.given != set(spec.names):
            given, wanted = ", ".join(sorted(source.given)), ", ".join(spec.names)
            yield f"{where}: provides {given}, but the entry declares {wanted}; provide the same keys"
        elif isinstance(source, GivenSecret):
            yield from _login_faults(where, source)


def _login_faults(where: str, source: GivenSecret) -> Iterator[str]:
    """Yield a line, without the value, for a login that is no JSON object. The API server would refuse it late."""
    for key, value in source.values.items():
        if key == REGISTRY_KEY and not isinstance(decoded(value.get_secret_value()), dict):
            yield f"{where}.values.{key}: is not a JSON object; set the content of a Docker config.json"


def _storage_faults(system: SystemSpec) -> Iterator[str]:
    users = [
        name
        for name, service in system.services.items()
        if any(spec.model and spec.model.scheme == "s3" for spec in (service.spec, *service.every))
    ]
    users += [name for name, job in system.jobs.items() if job.object_storage]
    if users and system.object_storage is None:
        yield f"slipway:objectStorage: required by {', '.join(users)}; set at least the url of the S3 API"


def _size_faults(system: SystemSpec) -> Iterator[str]:
    """Yield a line for each slot whose files fit in no ConfigMap once those of the entry are added."""
    for name, service in system.services.items():
        for slot, revision in service.revisions.items():
            files = revision.whole.files
            if files and (fault := files_fault(files.files)):
                yield f"slipway:release.{name}.slots.{slot}.files: with those of the entry, {fault}"


def _class_faults(system: SystemSpec) -> Iterator[str]:
    """Yield a line for each storage class whose volumes are together larger than a quota of the class can be."""
    totals: dict[str, Decimal] = {}
    for volume in (*system.volumes.values(), *(store.volume for store in system.stores.values())):
        if volume.storage_class:
            totals[volume.storage_class] = totals.get(volume.storage_class, Decimal(0)) + parse(volume.size)
    for name, total in totals.items():
        if total > _MOST_OF_A_CLASS:
            has = f"the volumes of storageClass {name} have {bytes_text(total)} together"
            most = "but a quota of a class is at most 8Pi; make them smaller"
            yield f"catalog/{system.name}.yaml: volumes: {has}, {most}"


def _trigger_faults(system: SystemSpec) -> Iterator[str]:
    for name, service in system.services.items():
        scalings = [spec.scaling for spec in (service.spec, *service.every)]
        triggers = [t for scaling in scalings if isinstance(scaling, Triggered) for t in scaling.triggers.values()]
        if any(trigger.prometheus for trigger in triggers) and system.cluster.prometheus_url is None:
            where = f"services.{name}.scaling.triggers"
            yield f"slipway:cluster.prometheusUrl: required by {where}; set the URL at which KEDA reaches Prometheus"


def _external_faults(system: SystemSpec) -> Iterator[str]:
    used = [
        (name, external)
        for name, service in system.services.items()
        for external in dict.fromkeys(named for spec in (service.spec, *service.every) for named in spec.reached)
    ]
    used += [(name, external) for name, job in system.jobs.items() for external in job.externals]
    for user, external in used:
        if external not in system.externals:
            yield f"slipway:externals.{external}: required by {user}; set at least its url"
    needed = {external for _, external in used}
    for external in system.externals:
        if external not in needed:
            remedy = "name it in the externals of one, or remove it"
            yield f"slipway:externals.{external}: no service or Job uses it; {remedy}"
