"""Rules that the fields of one pod must satisfy together: ports, checks, users, folders and names of containers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from models import mount_rules
from models.companions import Companion, unknown_port
from models.container import ContainerSpec
from models.lifecycle import Health
from models.security import Capability
from models.vocabulary import SCRATCH_PATH

_ALWAYS: tuple[Capability, ...] = ("NET_BIND_SERVICE",)
"""Capabilities that *restricted* permits."""
Group = Sequence[Companion] | None


def faults(spec: ContainerSpec, taken: Mapping[int, str], health: Health, mounts: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each conflict between the containers of a service's pod.

    Args:
        spec: The container's fields.
        taken: The service's own ports, and the field of each.
        health: The service's checks.
        mounts: The path of each claim that the server mounts, by the volume's name.
    """
    yield from _name_faults(spec)
    yield from _port_faults(spec, taken)
    yield from _check_faults(spec, health)
    yield from _user_faults(spec)
    for where, companion in placed(spec.sidecars, spec.init):
        yield from _path_faults(where, companion, {*spec.folders, *mounts.values()})


def placed(sidecars: Group, init: Group) -> Iterator[tuple[str, Companion]]:
    """Yield each companion after its place in the service's fields."""
    for field, group in (("sidecars", sidecars), ("init", init)):
        for place, companion in enumerate(group or ()):
            yield f"{field}.{place}", companion


def _name_faults(spec: ContainerSpec) -> Iterator[str]:
    seen: dict[str, str] = {}
    for where, companion in placed(spec.sidecars, spec.init):
        if first := seen.get(companion.name):
            yield f"{where}.name: {companion.name!r} is already the name of {first}; choose another name"
        seen.setdefault(companion.name, where)
    if sum(sidecar.entrance for sidecar in spec.sidecars or ()) > 1:
        yield "sidecars: several have entrance: true, but only one can take the requests; remove it from the others"


def _port_faults(spec: ContainerSpec, taken: Mapping[int, str]) -> Iterator[str]:
    """Yield a fault for each port that two containers open. They share one network, so the second would not start."""
    named = [("ports", spec.ports or {})]
    named += [(f"sidecars.{place}.ports", sidecar.ports) for place, sidecar in enumerate(spec.sidecars or ())]
    numbers = dict(taken)
    names: dict[str, str] = {}
    for where, ports in named:
        for name, number in ports.items():
            if first := numbers.get(number):
                yield f"{where}.{name}: {number} is already the number of {first}; choose another port"
            if owner := names.get(name):
                yield f"{where}.{name}: the name is already in {owner}; choose another name"
            numbers.setdefault(number, f"{where}.{name}")
            names.setdefault(name, where)


def _check_faults(spec: ContainerSpec, health: Health) -> Iterator[str]:
    for where, check in health.checks.items():
        yield from unknown_port(where, check, spec.ports or {}, own_port=spec.entrance is None)


def _user_faults(spec: ContainerSpec) -> Iterator[str]:
    users = [
        ("user", spec.user),
        *((f"{where}.user", companion.user) for where, companion in placed(spec.sidecars, spec.init)),
    ]
    if spec.pod_security is None:
        for where, user in users:
            if user == 0:
                yield (
                    f"{where}: 0 is root, which the restricted standard forbids; set another number, or podSecurity "
                    "with the reason"
                )
    elif not any(user in (0, "image") for _, user in users) and set(spec.pod_security.capabilities) <= set(_ALWAYS):
        yield (
            "podSecurity: no container needs the baseline standard; set user: 0, user: image or capabilities that "
            "restricted forbids, or remove podSecurity"
        )


def _path_faults(where: str, companion: Companion, shared: Iterable[str]) -> Iterator[str]:
    known = list(shared)
    for path in companion.paths:
        if path not in known:
            yield (
                f"{where}.paths: {path} is not under home, writable or mounts of the service "
                f"({', '.join(known) or 'none is declared'}); declare it there"
            )
    for path, times in Counter(companion.paths).items():
        if times > 1:
            yield f"{where}.paths: {path} is listed twice; remove one"
    folders = [(f"{where}.writable", path) for path in companion.writable]
    folders += [(f"{where}.paths", path) for path in dict.fromkeys(companion.paths)]
    files = [(f"{where}.fileMounts", path) for path in companion.file_mounts or {}]
    yield from mount_rules.faults(folders, files, {SCRATCH_PATH, *companion.writable})
