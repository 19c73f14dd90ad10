"""Rules for the names in one catalogue entry: each reference resolves, and no name means two things."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from models import container_rules, variable_rules
from models.companions import Companion
from models.declarations import Declarations
from models.errors import nearest
from models.file_mounts import FileMount
from models.jobs import JobSpec
from models.model import ModelSource
from models.scaling import Triggered
from models.service import ServiceOverlay, SlotSpec
from models.stores import StoreSpec

RESERVED_ENDINGS = ("-blue", "-green", "-canary", "-stable")
"""Suffixes of Slipway's own resource names. A service called x-blue would collide with slot blue of x."""
_LONGEST_STORE = 52
"""A label of a StatefulSet's pods (at most 63 characters) holds its name, a dash and a hash of ten characters."""
_LONGEST_VOLUME = 56
"""A pod names the volume volume-<name>, which must be a DNS label (at most 63 characters)."""


def faults(entry: Declarations) -> Iterator[str]:
    """Yield one line for each name that refers to nothing, or to two things."""
    for name, spec in entry.services.items():
        yield from slot_faults(f"services.{name}", entry, name, spec)
    for name, store in entry.stores.items():
        yield from _store_faults(f"stores.{name}", entry, name, store)
    yield from _name_faults(entry)
    for environment, changes in entry.environments.items():
        where = f"environments.{environment}"
        yield from _unknown(f"{where}.services", changes.services, entry.services, "service")
        yield from _unknown(f"{where}.stores", changes.stores, entry.stores, "store")
        yield from _unknown(f"{where}.volumes", changes.volumes, entry.volumes, "volume")
        for name, overlay in changes.services.items():
            yield from _block_faults(f"{where}.services.{name}", entry, overlay)
            changed = (overlay.env, overlay.secrets, overlay.drain)
            if name in entry.services and any(block is not None for block in changed):
                own = f"{where}.services.{name}"
                yield from variable_rules.faults(own, entry, entry.services[name], overlay)
        for name, job in changes.jobs.items():
            yield from _job_faults(f"{where}.jobs.{name}", entry, name, job)


def slot_faults(where: str, entry: Declarations, name: str, spec: SlotSpec) -> Iterator[str]:
    """Yield one line for each name that refers to nothing, in a service or in what one of its slots runs."""
    yield from _common_faults(where, entry, spec)
    yield from _calls_faults(where, entry, name, spec.calls)
    yield from _unknown(f"{where}.mounts", spec.mounts, entry.volumes, "volume")
    yield from _too_long(f"{where}.mounts", spec.mounts, _LONGEST_VOLUME)
    yield from _block_faults(where, entry, spec)


def _store_faults(where: str, entry: Declarations, name: str, store: StoreSpec) -> Iterator[str]:
    yield from _common_faults(where, entry, store)
    yield from _too_long("stores", [name], _LONGEST_STORE)
    if f"{name}-data" in entry.volumes:
        yield f"volumes.{name}-data: the claim of the store {name} already has this name; rename the volume"


def _job_faults(where: str, entry: Declarations, name: str, job: JobSpec) -> Iterator[str]:
    yield from _common_faults(where, entry, job)
    yield from _calls_faults(where, entry, name, job.calls)
    yield from _unknown(f"{where}.before", job.before, entry.services, "service")
    for service in (name for name in job.before if name in job.calls):
        yield f"{where}.before: {service!r} is also in calls, so each would wait for the other; remove one of them"


def _common_faults(where: str, entry: Declarations, spec: SlotSpec | StoreSpec | JobSpec) -> Iterator[str]:
    if spec.image not in entry.images:
        yield f"{where}.image: {spec.image!r} is not a key under images ({', '.join(entry.images)})"
    yield from _secret_faults(f"{where}.secrets", entry, spec.secrets)
    yield from variable_rules.faults(where, entry, spec)


def _too_long(where: str, names: Iterable[str], most: int) -> Iterator[str]:
    for name in names:
        if len(name) > most:
            yield f"{where}.{name}: the limit is {most} characters, but the name has {len(name)}; shorten it"


def _secret_faults(where: str, entry: Declarations, names: Iterable[str]) -> Iterator[str]:
    variables = {name: secret for name, secret in entry.secrets.items() if secret.kind == "variables"}
    yield from _unknown(where, names, variables, "secret of kind variables")


def _calls_faults(where: str, entry: Declarations, own: str, calls: Collection[str]) -> Iterator[str]:
    yield from _unknown(f"{where}.calls", calls, [*entry.services, *entry.stores], "service or store")
    if own in calls:
        yield f"{where}.calls: {own!r} cannot call itself; remove it"


def _block_faults(where: str, entry: Declarations, spec: SlotSpec | ServiceOverlay) -> Iterator[str]:
    """Yield the faults of the blocks that both a service and an overlay can have."""
    if isinstance(spec, ServiceOverlay):
        yield from _secret_faults(f"{where}.secrets", entry, spec.secrets or ())
    for place, companion in container_rules.placed(spec.sidecars, spec.init):
        yield from _companion_faults(f"{where}.{place}", entry, companion)
    for path, mount in (spec.file_mounts or {}).items():
        yield from _file_faults(f"{where}.fileMounts.{path}", entry, mount)
    if spec.model:
        yield from _model_faults(f"{where}.model", entry, spec.model)
    chosen = getattr(spec, "metrics_profile", None)
    if isinstance(chosen, str):
        yield from _unknown(f"{where}.metricsProfile", [chosen], entry.profiles, "metrics profile")
    if isinstance(spec.scaling, Triggered):
        for name, trigger in spec.scaling.triggers.items():
            if trigger.redis:
                path = f"{where}.scaling.triggers.{name}.redis.store"
                yield from _unknown(path, [trigger.redis.store], entry.stores, "store")


def _model_faults(where: str, entry: Declarations, model: ModelSource) -> Iterator[str]:
    yield from _secret_faults(f"{where}.secrets", entry, model.secrets)
    yield from variable_rules.twice(where, variable_rules.of_secrets(entry, model.secrets))
    if model.cache:
        yield from _unknown(f"{where}.cache.volume", [model.cache.volume], entry.volumes, "volume")
    if model.loader:
        yield from _unknown(f"{where}.loader", [model.loader], entry.images, "key under images")
    if model.scheme == "pvc":
        yield from _unknown(f"{where}.uri", [model.claim[0]], entry.volumes, "volume")


def _companion_faults(where: str, entry: Declarations, companion: Companion) -> Iterator[str]:
    yield from _secret_faults(f"{where}.secrets", entry, companion.secrets)
    given = [*((key, "env") for key in companion.env), *variable_rules.of_secrets(entry, companion.secrets)]
    yield from variable_rules.twice(where, given)
    for path, mount in (companion.file_mounts or {}).items():
        yield from _file_faults(f"{where}.fileMounts.{path}", entry, mount)


def _file_faults(where: str, entry: Declarations, mount: FileMount) -> Iterator[str]:
    if mount.secret is None:
        return
    secret = entry.secrets.get(mount.secret)
    if secret is None or secret.kind == "registry":
        usable = [name for name, spec in entry.secrets.items() if spec.kind != "registry"]
        yield from _unknown(where, [mount.secret], usable, "secret of kind variables or files")
    else:
        yield from _unknown(f"{where}.key", [str(mount.key)], secret.keys, f"key of {mount.secret}")


def _unknown(where: str, given: Iterable[str], known: Collection[str], kind: str) -> Iterator[str]:
    for name in given:
        if name not in known:
            yield f"{where}: {name!r} is not a {kind} ({', '.join(known) or 'none is declared'}){nearest(name, known)}"


def _name_faults(entry: Declarations) -> Iterator[str]:
    groups: Mapping[str, Collection[str]] = {
        "services": entry.services,
        "stores": entry.stores,
        **{f"environments.{key}.jobs": environment.jobs for key, environment in entry.environments.items()},
    }
    for group, names in groups.items():
        for name in names:
            if name.endswith(RESERVED_ENDINGS):
                yield f"{group}.{name}: the endings {', '.join(RESERVED_ENDINGS)} are reserved for slots; rename it"
            if group != "services" and name in entry.services:
                yield f"{group}.{name}: a service has the same name, so their objects would collide; rename one"
            if group not in ("services", "stores") and name in entry.stores:
                yield f"{group}.{name}: a store has the same name, so their objects would collide; rename one"
