"""The whole way of `up`: packages, toolchain, cluster, images, wheels, a stack."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local import addresses, cluster, debian, deploy, graph, images, parts, wheels
from local.commands import CHILDREN
from local.errors import LocalError
from local.graph import Task
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import GROUPS

DISK_GIB = {"state": 6, "cache": 3}  # measured: 4 and 2.5 with one stack; a cold one needs Go's caches beside it


def up(paths: Paths, progress: Progress, stack: str | None, extra: Sequence[str] = ()) -> Mapping[str, Any] | None:
    """Start or repair the cluster and bring a stack up; returns the stack's output `services`.

    Args:
        paths: Where everything goes.
        progress: Shows each step.
        stack: Its name; None stops when all is ready for `pulumi up`.
        extra: Optional parts (local/parts.py), beside those that the cluster has already.

    Raises:
        LocalError: with one line that says what to do; what was built or started by then stays, so that the next
            `up` continues there.
    """
    for name, folder in (("state", paths.state), ("cache", paths.cache)):
        refuse_full_disk(name, folder)
    paths.create()
    parts.add(paths, extra)
    debian.install(debian.NEEDS, paths.logs / "apt.log", progress)
    toolchain = Toolchain(paths.cache, progress, (*GROUPS, *parts.groups(paths)))
    toolchain.start()

    def give_up() -> None:
        CHILDREN.stop()
        toolchain.stop()

    try:
        cluster.prepare(paths)
        graph.run_all(_tasks(paths, toolchain, progress), on_failure=give_up)
    finally:
        toolchain.stop()
    return None if stack is None else deploy.deploy(paths, progress, stack)


def _tasks(paths: Paths, toolchain: Toolchain, progress: Progress) -> list[Task]:
    made: dict[str, Path] = {}

    def make_bases() -> None:
        made["base"] = images.make_base(paths, progress)
        made["redis"] = images.make_redis(paths, made["base"], progress)

    return [
        *cluster.Cluster(paths, toolchain, progress).tasks(),
        Task("pause-image", lambda: images.seed_pause(paths), ("registry",)),
        Task("base-images", make_bases),
        Task("base-push", lambda: images.seed_bases(**made, progress=progress), ("registry", "base-images")),
        Task("wheels", lambda: wheels.provide(paths.project, paths.wheels, paths.cache, progress)),
        Task("pulumi", lambda: deploy.prepare_pulumi(paths, toolchain, progress)),
    ]


def refuse_full_disk(name: str, folder: Path) -> None:
    """Raise LocalError if a folder's file system has too little room: a full disk fails later and less clearly."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if free < DISK_GIB[name]:
        variable = f"SLIPWAY_{name.upper()}"
        raise LocalError(
            f"{variable}: {folder} has {free:.1f} GiB free, the local cluster needs {DISK_GIB[name]}: "
            f"make room, or name another folder in {variable}"
        )


def summary(paths: Paths, stack: str, services: Mapping[str, Any], answers: Sequence[deploy.Answer]) -> str:
    """Return what `up` prints at its end: where the services answer, what runs where, what to do next."""
    lines: list[str] = []
    for name, service in services.items():
        place = f"{service['url']}  (Host: {service['host']})" if "url" in service else "inside the cluster only"
        lines += [name, f"  url      {place}", f"  image    {service['image']}"]
        for slot, state in service["slots"].items():
            role = "live" if slot == service["live"] else f"{state['weight']} % of requests"
            pods = deploy.pods_of(paths, stack, name, slot)
            lines.append(f"  {slot:<8} {role}, {len(pods)} pod(s): {', '.join(pods) or 'none'}")
    if answers:
        right = sum(answer.label == answer.expected for answer in answers)
        first = next(service for service in services.values() if "url" in service)
        asked = f"-H 'Host: {first['host']}' -H 'Content-Type: image/png' --data-binary @{deploy.picture_file(paths)}"
        lines.append(f"{len(answers)} test pictures answered, {right} of them right")
        lines += ["", "ask it:", f"  curl -sS {asked} {first['url']}"]
    lines += [
        "next:",
        '  eval "$(make -s env)"            # pulumi and kubectl on this cluster',
        f"  pulumi preview -s {stack}",
        f"  kubectl get pods -A              # context {addresses.CONTEXT}",
        "  make status                      # health of the cluster's parts",
        "  make down                        # remove all of it",
    ]
    return "\n".join(lines)
