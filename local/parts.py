"""Optional parts of the cluster: what `up --with` adds. The cluster remembers them until `down`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import yaml

from local import keda, scaling
from local.daemon import Daemon
from local.definitions import Source
from local.errors import LocalError
from local.paths import Paths
from local.toolchain.groups import Group, group_of

_RECORD = "parts"  # below the state


@dataclass(frozen=True, kw_only=True)
class Part:
    """Daemons, the objects that they need, the APIs that they serve, and programs that are built for them alone.

    Attributes:
        definitions: Resource definitions that the daemons watch, beside those that every cluster has.
    """

    daemons: Callable[[Paths], tuple[Daemon, ...]]
    objects: Callable[[Paths], str]
    apis: Callable[[Paths], str]
    programs: tuple[str, ...]
    definitions: tuple[Source, ...] = ()


# An API has one server: of two parts that bring it, the later one gives it. KEDA's external metrics thus replace the
# prometheus-adapter's, as a cluster with both must choose; resource and Pods metrics stay.
PARTS = {
    "scaling": Part(
        daemons=scaling.daemons,
        objects=scaling.objects,
        apis=scaling.apis,
        programs=("metrics-server", "prometheus-adapter"),
    ),
    "keda": Part(
        daemons=keda.daemons,
        objects=keda.objects,
        apis=keda.apis,
        programs=("keda-operator", "keda-adapter"),
        definitions=keda.DEFINITIONS,
    ),
}


def add(paths: Paths, names: Iterable[str]) -> None:
    """Remember further parts; raises LocalError for an unknown one."""
    wanted = [*chosen(paths), *names]
    for name in wanted:
        if name not in PARTS:
            raise LocalError(f"--with {name}: no such part; there are: {', '.join(PARTS)}")
    (paths.state / _RECORD).write_text("\n".join(dict.fromkeys(wanted)))


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


def apis(paths: Paths) -> tuple[str, ...]:
    """Return the APIs that they serve, as YAML, each of them once."""
    has = chosen(paths)
    brought = [one for name, part in PARTS.items() if name in has for one in yaml.safe_load_all(part.apis(paths))]
    served = {api["metadata"]["name"]: api for api in brought}
    return tuple(yaml.safe_dump(api) for api in served.values())


def definitions(paths: Paths) -> tuple[Source, ...]:
    """Return the resource definitions that only their daemons need."""
    return tuple(source for name in chosen(paths) for source in PARTS[name].definitions)


def groups(paths: Paths) -> tuple[Group, ...]:
    """Return what is built for the parts that the cluster has."""
    return tuple(dict.fromkeys(group_of(program) for name in chosen(paths) for program in PARTS[name].programs))
