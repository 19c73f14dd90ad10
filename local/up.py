"""Run all of `up`: packages, toolchain, cluster, images, wheels, a stack."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local import (
    addresses,
    cluster,
    debian,
    deploy,
    graph,
    images,
    owner,
    parts,
    shutdown,
    stack_file,
    wheels,
)
from local.addresses import Addresses
from local.commands import CHILDREN
from local.graph import Task
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import GROUPS


def up(
    paths: Paths, progress: Progress, stack: str | None, at: Addresses, part_names: Sequence[str] = ()
) -> Mapping[str, Any] | None:
    """Start or repair the cluster, bring a stack up, and return the stack's output `services`.

    Args:
        paths: The cluster's directories.
        progress: Shows each step.
        stack: The stack's name; None stops when the cluster is ready for `pulumi up`.
        at: The network and ports that the cluster has or gets; doctor.py has checked the machine for them.
        part_names: The optional parts (local/parts.py) that the cluster has or gets.

    Raises:
        LocalError: with one line that says what to do; what was built or started by then stays, so that the next
            `up` continues there.
    """
    paths.create()
    at.save(paths.addresses_record)
    parts.remember(paths, part_names)
    for file in stack_file.point_all(paths.project, Addresses(), at):
        progress.note(f"{file.name}: set to this cluster's addresses; `make down` restores it")
    try:
        return _up(paths, progress, stack)
    finally:
        if (user := owner.invoking()) is not None:
            owner.hand_over(user, paths.state, paths.cache, paths.project)


def _up(paths: Paths, progress: Progress, stack: str | None) -> Mapping[str, Any] | None:
    debian.install(debian.NEEDS, paths.logs / "apt.log", progress)
    toolchain = Toolchain(paths.cache, progress, (*GROUPS, *parts.groups(paths)))
    toolchain.start()

    def give_up() -> None:
        CHILDREN.stop()
        toolchain.stop()

    try:
        cluster.prepare(paths)
        shutdown.arm(paths)
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
        Task("base-push", lambda: images.seed_bases(paths, **made, progress=progress), ("registry", "base-images")),
        Task("wheels", lambda: wheels.provide(paths.project, paths.wheels, paths.cache, progress)),
        Task("pulumi", lambda: deploy.prepare_pulumi(paths, toolchain, progress)),
    ]


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
        lines.append(f"{len(answers)} test pictures answered, {right} correctly")
        lines += ["", "send a request:", f"  curl -sS {asked} {first['url']}"]
    lines += [
        "next:",
        '  eval "$(make -s env)"            # pulumi and kubectl on this cluster',
        f"  pulumi preview -s {stack}",
        f"  kubectl get pods -A              # context {addresses.CONTEXT}",
        "  make status                      # health of every part",
        "  make down                        # remove the cluster",
    ]
    return "\n".join(lines)
