"""The whole way of `up`: packages, toolchain, cluster, images, wheels, the dev stack, test pictures."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local import addresses, cluster, debian, deploy, graph, images, wheels
from local.commands import CHILDREN
from local.errors import LocalError
from local.graph import Task
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain

DISK_GIB = {"state": 4, "cache": 2}  # measured: 2 and 1 with a warm cache; a cold one needs Go's caches beside it


def up(paths: Paths, progress: Progress, *, with_stack: bool) -> Mapping[str, Any] | None:
    """Start or repair the cluster and bring the dev stack up; returns the stack's output `services`.

    Args:
        paths: Where everything goes.
        progress: Shows each step.
        with_stack: False stops when all is ready for `pulumi up`.

    Raises:
        LocalError: with one line that says what to do; what was built or started by then stays, so that the next
            `up` continues there.
    """
    for name, folder in (("state", paths.state), ("cache", paths.cache)):
        refuse_full_disk(name, folder)
    paths.create()
    debian.install(paths.logs / "apt.log", progress)
    toolchain = Toolchain(paths.cache, progress)
    toolchain.start()

    def give_up() -> None:
        CHILDREN.stop()
        toolchain.stop()

    try:
        cluster.prepare(paths)
        graph.run_all(_tasks(paths, toolchain, progress), on_failure=give_up)
    finally:
        toolchain.stop()
    return deploy.deploy(paths, progress) if with_stack else None


def _tasks(paths: Paths, toolchain: Toolchain, progress: Progress) -> list[Task]:
    base: list[Path] = []
    serving = paths.project / "serving"
    return [
        *cluster.Cluster(paths, toolchain, progress).tasks(),
        Task("pause-image", lambda: images.seed_pause(paths), ("registry",)),
        Task("base-image", lambda: base.append(images.make_base(paths, progress))),
        Task("base-push", lambda: images.seed_base(base[0], progress), ("registry", "base-image")),
        Task("wheels", lambda: wheels.provide(serving, paths.wheels, paths.cache, progress)),
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


def summary(paths: Paths, services: Mapping[str, Any], answers: Sequence[deploy.Answer]) -> str:
    """Return what `up` prints at its end: where the services answer, what runs where, what to do next."""
    lines: list[str] = []
    for name, service in services.items():
        lines += [name, f"  url      {service['url']}  (Host: {service['host']})", f"  image    {service['image']}"]
        for slot, state in service["slots"].items():
            role = "live" if slot == service["live"] else f"{state['weight']} % of requests"
            pods = deploy.pods_of(paths, name, slot)
            lines.append(f"  {slot:<8} {role}, {len(pods)} pod(s): {', '.join(pods) or 'none'}")
    right = sum(answer.label == answer.expected for answer in answers)
    lines.append(f"{len(answers)} test pictures answered, {right} of them right")
    first = next(iter(services.values()))
    asked = f"-H 'Host: {first['host']}' -H 'Content-Type: image/png' --data-binary @{deploy.picture_file(paths)}"
    lines += [
        "",
        "ask it:",
        f"  curl -sS {asked} {first['url']}",
        "next:",
        '  eval "$(make -s env)"            # pulumi and kubectl on this cluster',
        f"  pulumi preview -s {deploy.STACK}",
        f"  kubectl get pods -A              # context {addresses.CONTEXT}",
        "  make status                      # health of the cluster's parts",
        "  make down                        # remove all of it",
    ]
    return "\n".join(lines)
