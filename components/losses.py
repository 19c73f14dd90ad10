"""Refuse an update that would delete or replace objects with data: namespaces, claims and StatefulSets.

The engine replaces an object when an immutable field changes (pulumi-kubernetes, ``diff.go``), and deletes an object
that is no longer declared. For these kinds, both lose data. The program therefore refuses the update unless the stack
file lists the object under ``slipway:system.discard``. ``pulumi destroy`` does not run the program and is not refused.
"""

from collections.abc import Iterator

from components.manifests.claims import claims
from components.recorded import Json, Recorded
from models.quantity import parse
from models.storage import Volume
from models.system import SystemSpec

_SETTING = "slipway:system.discard"


def loss_faults(system: SystemSpec, recorded: Recorded) -> Iterator[str]:
    """Yield one line for all data that would be lost, and one line for each change that no setting permits."""
    yield from _shrunk(system, recorded)
    losses = {name: why for name, why in _losses(system, recorded) if name not in system.discard}
    if losses:
        told = "; ".join(f"{name} ({why})" for name, why in losses.items())
        yield (
            f"{_SETTING}: the data of {told} would be lost; keep the previous declaration and move the data first "
            f"(docs/data.md), or, to lose the data, set discard: [{', '.join(losses)}]"
        )


def stale_permissions(system: SystemSpec, recorded: Recorded) -> Iterator[str]:
    """Yield one line per ``discard`` entry that this update does not delete. A later update could delete it."""
    lost = {name for name, _ in _losses(system, recorded)}
    for name in system.discard:
        if name not in lost:
            yield f"{_SETTING}: this update does not delete {name}; remove it from the list"


def _losses(system: SystemSpec, recorded: Recorded) -> Iterator[tuple[str, str]]:
    """Yield (kind/name, reason) of what would be lost. Deleting a namespace deletes everything in it."""
    namespace = recorded.namespace["name"] if recorded.namespace else None
    if namespace and namespace != system.namespace:
        yield f"namespace/{namespace}", f"the stack file now sets {system.namespace}"
    elif namespace and system.existing_namespace:
        yield f"namespace/{namespace}", "the stack owns it, and existingNamespace would remove it from the stack"
    declared = claims(system)
    for name, spec in sorted(recorded.claims.items()):
        if name not in declared:
            yield f"claim/{name}", "no longer declared"
        elif changes := list(_fixed_fields(spec, declared[name])):
            yield f"claim/{name}", f"{', '.join(changes)}: these fields of a claim are immutable"
    for name in sorted(recorded.stateful_sets - system.stores.keys()):
        yield f"statefulset/{name}", "no longer declared"


def _fixed_fields(was: Json, volume: Volume) -> Iterator[str]:
    before, after = was.get("storageClassName"), volume.storage_class
    if before != after:
        yield f"storageClass {before or 'cluster default'} → {after or 'cluster default'}"
    modes = was.get("accessModes", [])
    if modes != [volume.access]:
        yield f"access {', '.join(modes)} → {volume.access}"


def _shrunk(system: SystemSpec, recorded: Recorded) -> Iterator[str]:
    declared = claims(system)
    for name, spec in sorted(recorded.claims.items()):
        size = spec.get("resources", {}).get("requests", {}).get("storage")
        if name in declared and size and parse(declared[name].size) < parse(size):
            yield (
                f"claim/{name}: its size cannot change from {size} to {declared[name].size}: Kubernetes only expands "
                "claims; keep the size, or move the data to a smaller volume (docs/data.md)"
            )
