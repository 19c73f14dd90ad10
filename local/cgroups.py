"""The cluster's own cgroup: every daemon and every pod lives below it, so `down` can find and end all of them."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from local.errors import LocalError

MOUNT = Path("/sys/fs/cgroup")
NAME = "slipway"
# The cgroup of image builds' containers: all builds together weigh as much as one process.
BUILDS = "builds"
_DAEMONS = "daemons"
# The controllers that the kubelet manages, if the kernel offers them: the kubelet refuses a root cgroup without one of
# them. systemd enables only some of them, and never hugetlb.
_CONTROLLERS = ("cpu", "cpuset", "memory", "hugetlb", "pids", "io")
NEEDED = ("cpu", "cpuset", "memory", "pids")
# Under cgroup v2, on two processors, the kubelet gives all pods together a weight of 79 (2048 shares, as runc converts
# them), which the default of 100 would outweigh. 39 is the weight of 1024 shares: the proportions of cgroup v1.
_V2_PROCESS_WEIGHT = "39"
# Under cgroup v1 each controller has its own hierarchy. Membership is read from the pids controller.
_V1_MEMBERSHIP = "pids"
# The files that hold the CPU weight under v1 and v2, with the kernel's default (one process) and its maximum.
_CPU_WEIGHTS = {"cpu.shares": (1024, 262144), "cpu.weight": (100, 10000)}


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """Return the roots in which the cluster has a cgroup: one under cgroup v2, one per controller under v1."""
    if (mount / "cgroup.controllers").exists():
        return [mount]
    return sorted(
        folder for folder in mount.iterdir() if (folder / "cgroup.procs").exists() and not folder.is_symlink()
    )


def create(mount: Path = MOUNT) -> None:
    """Create the cluster's cgroup in every hierarchy; the kubelet uses it as its root. Raises LocalError."""
    roots = hierarchies(mount)
    if not roots:
        raise LocalError(f"{mount}: no cgroup hierarchy is mounted, but the kubelet requires one: mount it")
    unified = roots == [mount]
    for root in roots:
        ours = root / NAME
        ours.mkdir(exist_ok=True)
        if unified:
            _enable_controllers((root, ours))
        elif (root / "cpuset.cpus").exists():
            _inherit_cpuset(root, ours)
        _weigh(ours)
    daemons_file(mount).parent.mkdir(exist_ok=True)
    if unified:
        for name in (_DAEMONS, BUILDS):
            (mount / NAME / name).mkdir(exist_ok=True)
            (mount / NAME / name / "cpu.weight").write_text(_V2_PROCESS_WEIGHT, "utf-8")


def _enable_controllers(groups: Sequence[Path]) -> None:
    """Enable the kubelet's controllers for the children of these cgroups, from the root down.

    `remove` leaves them enabled in the root cgroup: systemd may need one by then and would not notice its loss.
    """
    for group in groups:
        offered = (group / "cgroup.controllers").read_text("utf-8").split()
        for controller in _CONTROLLERS:
            if controller in offered:
                with contextlib.suppress(OSError):  # one by one: the kernel refuses a write of several as a whole
                    (group / "cgroup.subtree_control").write_text(f"+{controller}", "utf-8")
        enabled = (group / "cgroup.subtree_control").read_text("utf-8").split()
        missing = [name for name in NEEDED if name not in enabled]
        if missing:
            raise LocalError(
                f"{group}: the kernel does not enable the cgroup controllers {', '.join(missing)}, which the kubelet "
                "requires: run `make doctor` to see the reason"
            )


def _inherit_cpuset(root: Path, ours: Path) -> None:
    """Copy the parent's processors and memory nodes: a v1 cpuset starts empty, and nothing can run in an empty one."""
    for file in ("cpuset.cpus", "cpuset.mems"):
        (ours / file).write_text((root / file).read_text("utf-8"), "utf-8")


def _weigh(ours: Path) -> None:
    """Weigh the cluster as two processes per processor: with the default, all pods together weigh as one process.

    On this machine Pulumi and tests run beside the node. With the default weight, a server that needs a third of a
    processor would queue while they run.
    """
    for file, (usual, largest) in _CPU_WEIGHTS.items():
        if (ours / file).exists():
            (ours / file).write_text(str(min(2 * (os.cpu_count() or 1) * usual, largest)), "utf-8")


def daemons_file(mount: Path = MOUNT) -> Path:
    """Return the file into which a daemon writes its pid to join the cgroup."""
    return _membership(mount) / NAME / _DAEMONS / "cgroup.procs"


def members(mount: Path = MOUNT) -> list[int]:
    """Return the pids of all daemons and of everything they started, pods included."""
    pids: set[int] = set()
    for root in hierarchies(mount):
        if not (root / NAME).is_dir():
            continue
        for file in (root / NAME).rglob("cgroup.procs"):
            with contextlib.suppress(OSError):  # a pod's cgroup may vanish meanwhile
                pids.update(int(line) for line in file.read_text("utf-8").split())
    return sorted(pids - {0})


def remove(mount: Path = MOUNT) -> list[Path]:
    """Remove the cluster's cgroups from the leaves up, and return those that the kernel still holds."""
    left: list[Path] = []
    for root in hierarchies(mount):
        ours = root / NAME
        if not ours.is_dir():
            continue
        folders = [ours, *(path for path in ours.rglob("*") if path.is_dir())]
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            try:
                folder.rmdir()
            except OSError:
                left.append(folder)
    return left


def _membership(mount: Path) -> Path:
    roots = hierarchies(mount)
    return next((root for root in roots if root.name == _V1_MEMBERSHIP), roots[0])
