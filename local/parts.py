"""Optional parts of the cluster: what `up --with` adds. The cluster remembers them until `down`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import yaml

from local import keda, prometheus_operator, scaling
from local.daemon import Daemon
from local.definitions import Source
from local.errors import LocalError
from local.paths import Paths
from local.toolchain.build import Toolchain
from local.toolchain.groups import Group, group_of

_RECORD = "parts"  # below the state


@dataclass(frozen=True, kw_only=True)
class Part:
    """Daemons, and what belongs to them.

    Attributes:
        daemons: Their rows of the table.
        objects: What they need, as YAML.
        dependents: What needs them, as YAML: the APIs that they serve, the resources that they act on.
        programs: What is built for them alone.
        definitions: Resource definitions that they watch, beside those that every cluster has.
        images: Pushes the images of the pods that they start; the registry is up by then.
    """

    daemons: Callable[[Paths], tuple[Daemon, ...]]
    objects: Callable[[Paths], str]
    dependents: Callable[[Paths], str]
    programs: tuple[str, ...]
    definitions: tuple[Source, ...] = ()
    images: Callable[[Paths, Toolchain], None] | None = None


# An API has one server: of two parts that bring it, the later one gives it. KEDA's external metrics thus replace the
# prometheus-adapter's, as a cluster with both must choose; resource and Pods metrics stay.
PARTS = {
    "scaling": Part(
        daemons=scaling.daemons,
        objects=scaling.objects,
        dependents=scaling.apis,
        programs=("metrics-server", "prometheus-adapter"),
    ),
    "keda": Part(
        daemons=keda.daemons,
        objects=keda.objects,
        dependents=keda.apis,
        programs=("keda-operator", "keda-adapter"),
        definitions=keda.DEFINITIONS,
    ),
    "monitoring": Part(
        daemons=prometheus_operator.daemons,
        objects=prometheus_operator.objects,
        dependents=prometheus_operator.dependents,
        programs=("prometheus-operator",),
        definitions=prometheus_operator.DEFINITIONS,
        images=prometheus_operator.seed_images,
    ),
}


def wanted(paths: Paths, names: Iterable[str]) -> tuple[str, ...]:
    """Return the parts that the cluster has, and further ones; raises LocalError for an unknown one."""
    all_names = tuple(dict.fromkeys((*chosen(paths), *names)))
    for name in all_names:
        if name not in PARTS:
            raise LocalError(f"--with {name}: no such part; there are: {', '.join(PARTS)}")
    return all_names


def remember(paths: Paths, names: Iterable[str]) -> None:
    """Write down which parts the cluster has."""
    (paths.state / _RECORD).write_text("\n".join(names))


def chosen(paths: Paths) -> tuple[str, ...]:
    """Return the names of the parts that the cluster has."""
    record = paths.state / _RECORD
    return tuple(record.read_text().split()) if record.is_file() else ()


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return the daemons of the parts that the cluster has."""
    return tuple(daemon for name in chosen(paths) for daemon in PARTS[name].daemons(paths))


def objects(paths: Paths) -> tuple[str, ...]:
    """Return what the daemons of the cluster's parts need, as YAML."""
    return tuple(PARTS[name].objects(paths) for name in chosen(paths))


def dependents(paths: Paths) -> tuple[str, ...]:
    """Return what needs the daemons of the cluster's parts, as YAML, each object once."""
    has = chosen(paths)
    brought = [one for name, part in PARTS.items() if name in has for one in yaml.safe_load_all(part.dependents(paths))]
    objects = {(one["kind"], one["metadata"]["name"]): one for one in brought}
    return tuple(yaml.safe_dump(one) for one in objects.values())


def definitions(paths: Paths) -> tuple[Source, ...]:
    """Return the resource definitions that only their daemons need."""
    return tuple(source for name in chosen(paths) for source in PARTS[name].definitions)


def seed_images(paths: Paths, toolchain: Toolchain) -> None:
    """Push the images of the pods that the cluster's parts start; the registry must be up."""
    for name in chosen(paths):
        if (seed := PARTS[name].images) is not None:
            seed(paths, toolchain)


def groups(paths: Paths) -> tuple[Group, ...]:
    """Return what is built for the parts that the cluster has."""
    return tuple(dict.fromkeys(group_of(program) for name in chosen(paths) for program in PARTS[name].programs))
