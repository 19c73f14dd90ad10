"""How much text the containers of one pod may have together: each container's own limits do not add up.

Sources: ``ValidateConfigMap`` of Kubernetes (1 MiB of data; the texts of all the pod's files are in one ConfigMap), and
etcd's ``--max-request-bytes`` (1.5 MiB for a whole object, such as a Deployment).
"""

from collections.abc import Iterator, Mapping

from models.checks import AnyCheck
from models.container import ContainerSpec
from models.lifecycle import Health
from models.limits import MOST_TEXT, bytes_of, files_fault
from models.variables import PublicText, texts

MOST_OF_POD = 2 * MOST_TEXT
"""Bytes of all commands, arguments, variables and checks of a pod. A Deployment with annotations holds them."""
Variables = Mapping[str, str | PublicText]


def faults(spec: ContainerSpec, args: tuple[str, ...], env: Variables, health: Health) -> Iterator[str]:
    """Yield a line if the texts of a service's pod fit in no ConfigMap, or its Deployment in no object.

    Args:
        spec: The container's fields.
        args: The arguments of the server.
        env: The variables of the server.
        health: The checks of the server.
    """
    mounted = [spec.file_mounts, *(one.file_mounts for one in spec.companions)]
    files = {f"{place}{path}": one.text or "" for place, own in enumerate(mounted) for path, one in (own or {}).items()}
    if fault := files_fault(files):
        yield f"fileMounts: with those of sidecars and init, {fault}"
    size = _of_container(spec.command, args, env) + sum(map(_of_check, _asked(spec, health)))
    size += sum(_of_container(one.command, one.args, one.env) for one in spec.companions)
    if size > MOST_OF_POD:
        yield (
            f"args: all commands, arguments, variables and checks of the pod together have {size} bytes, but a "
            f"Deployment holds at most {MOST_OF_POD}; use files"
        )


def _of_container(command: tuple[str, ...] | None, args: tuple[str, ...], env: Variables) -> int:
    variables = (f"{name}={value}" for name, value in texts(env).items())
    return sum(map(bytes_of, (*(command or ()), *args, *variables)))


def _asked(spec: ContainerSpec, health: Health) -> Iterator[AnyCheck]:
    """Yield the check of each probe. A check that two probes use is in the Deployment twice."""
    yield from (health.ready, health.live, health.startup_check)
    for sidecar in spec.sidecars or ():
        if sidecar.ready is not None:
            yield from (sidecar.ready, sidecar.ready)


def _of_check(check: AnyCheck) -> int:
    return bytes_of(check if isinstance(check, str) else check.model_dump_json(exclude_none=True))
