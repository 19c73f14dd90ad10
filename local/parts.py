"""Optional parts of the cluster: what `up --with` adds. The cluster remembers them until `down`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from local import scaling
from local.daemon import Daemon
from local.errors import LocalError
from local.paths import Paths
from local.toolchain.groups import Group, group_of

_RECORD = "parts"  # below the state


@dataclass(frozen=True, kw_only=True)
class Part:
    """Daemons, the objects that they need, the APIs that they serve, and programs that are built for them alone."""

    daemons: Callable[[Paths], tuple[Daemon, ...]]
    objects: Callable[[Paths], str]
    apis: Callable[[Paths], str]
    programs: tuple[str, ...]


PARTS = {
    "scaling": Part(
        daemons=scaling.daemons,
        objects=scaling.objects,
        apis=scaling.apis,
        programs=("metrics-server", "prometheus-adapter"),
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
    """Return the APIs that they serve, as YAML."""
    return tuple(PARTS[name].apis(paths) for name in chosen(paths))


def groups(paths: Paths) -> tuple[Group, ...]:
    """Return what is built for the parts that the cluster has."""
    return tuple(dict.fromkeys(group_of(program) for name in chosen(paths) for program in PARTS[name].programs))
