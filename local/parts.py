"""Optional parts of the cluster, which `up --with` adds. The cluster keeps them until `down`."""

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
    """Daemons, and everything that belongs to them.

    Attributes:
        daemons: The daemons' rows of the table.
        objects: The objects that the daemons need, as YAML.
        dependents: The objects that need the daemons, as YAML: APIs that they serve, resources that they act on.
        programs: The programs that are built only for this part.
        definitions: Resource definitions that the daemons watch, in addition to those of every cluster.
        images: Pushes the images of the pods that the daemons start; called when the registry is up.
    """

    daemons: Callable[[Paths], tuple[Daemon, ...]]
    objects: Callable[[Paths], str]
    dependents: Callable[[Paths], str]
    programs: tuple[str, ...]
    definitions: tuple[Source, ...] = ()
    images: Callable[[Paths, Toolchain], None] | None = None


# An aggregated API has one server. If two parts bring the same API, the later part serves it: KEDA's external metrics
# replace prometheus-adapter's, the choice that every cluster with both must make. Resource and Pods metrics stay.
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
    """Return the cluster's parts and these further ones; raise LocalError for an unknown one."""
    all_names = tuple(dict.fromkeys((*chosen(paths), *names)))
    for name in all_names:
        if name not in PARTS:
            raise LocalError(f"--with {name}: unknown part; choose one of: {', '.join(PARTS)}")
    return all_names


def remember(paths: Paths, names: Iterable[str]) -> None:
    """Record the cluster's parts."""
    (paths.state / _RECORD).write_text("\n".join(names), "utf-8")


def chosen(paths: Paths) -> tuple[str, ...]:
    """Return the names of the parts that the cluster has."""
    record = paths.state / _RECORD
    return tuple(record.read_text("utf-8").split()) if record.is_file() else ()


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return the daemons of the parts that the cluster has."""
    return tuple(daemon for name in chosen(paths) for daemon in PARTS[name].daemons(paths))


def objects(paths: Paths) -> tuple[str, ...]:
    """Return the objects that the daemons of the cluster's parts need, as YAML."""
    return tuple(PARTS[name].objects(paths) for name in chosen(paths))


def dependents(paths: Paths) -> tuple[str, ...]:
    """Return the objects that need the daemons of the cluster's parts, as YAML, each object once."""
    has = chosen(paths)
    brought = [one for name, part in PARTS.items() if name in has for one in yaml.safe_load_all(part.dependents(paths))]
    objects = {(one["kind"], one["metadata"]["name"]): one for one in brought}
    return tuple(yaml.safe_dump(one) for one in objects.values())


def definitions(paths: Paths) -> tuple[Source, ...]:
    """Return the resource definitions that only the daemons of the cluster's parts need."""
    return tuple(source for name in chosen(paths) for source in PARTS[name].definitions)


def seed_images(paths: Paths, toolchain: Toolchain) -> None:
    """Push the images of the pods that the cluster's parts start; the registry must be up."""
    for name in chosen(paths):
        if (seed := PARTS[name].images) is not None:
            seed(paths, toolchain)


def groups(paths: Paths) -> tuple[Group, ...]:
    """Return the toolchain groups that are built for the cluster's parts."""
    return tuple(dict.fromkeys(group_of(program) for name in chosen(paths) for program in PARTS[name].programs))
