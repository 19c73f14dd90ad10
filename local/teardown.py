"""Remove the whole cluster, whether it runs, partly runs or was killed. The kernel shows what is ours.

Daemons and pods are in our cgroup, mounts are below the state directory, veth pairs are on our bridge, rules are in
chains that our guard marks. The recorded pids only add daemons that were moved out of the cgroup.
"""

import contextlib
import hashlib
import re
import shutil
import time
from pathlib import Path

from local import cgroups, deploy, network, patience, processes, shutdown, stack_file
from local.addresses import Addresses
from local.commands import run
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress

_GRACE_SECONDS = 3
_KILL_LIMIT_SECONDS = 20
_ESCAPED = re.compile(r"\\([0-7]{3})")


def down(paths: Paths, progress: Progress) -> list[str]:
    """Remove the cluster and return what could not be removed: processes, mounts, interfaces, routes, chains, files."""
    for stack in deploy.stacks(paths):
        stack_file.drop_own_salt(deploy.stack_settings(paths, stack), stack_exists=True)
    stack_file.point_all(paths.project, paths.addresses, Addresses())
    with progress.step("stop the cluster's processes", 5):
        _end_processes(paths)
        shutdown.disarm()
    with progress.step("remove mounts, network and files", 3):
        _unmount(paths.state)
        sockets = shim_sockets(paths)
        left = network.remove(paths.addresses, paths.state / "sysctls.json")
        left += [f"cgroup {folder}" for folder in _remove_cgroups()]
        _remove_files_elsewhere(paths, sockets)
        left += [
            f"mount {mount}"
            for mount in mounts_below(paths.state, Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape"))
        ]
        left += [f"process {pid}" for pid in _ours(paths)]
        if not any(entry.startswith("mount") for entry in left):
            _remove_state(paths)
    return left


def _end_processes(paths: Paths) -> None:
    """Kill all our processes at once: daemons, shims, containers, builds. Their data is removed anyway.

    Killing them in order would only give the kubelet time to restart ended ones. The records find daemons that were
    moved out of the cgroup.
    """
    deadline = time.monotonic() + patience.limit(_KILL_LIMIT_SECONDS)
    while (pids := _ours(paths)) and time.monotonic() < deadline:
        processes.kill_all(pids)
        time.sleep(0.1)
    for record in processes.records(paths):
        processes.stop(record, _GRACE_SECONDS)


def _ours(paths: Paths) -> list[int]:
    """Return the processes in our cgroup, and those of programs in the state directory (Pulumi and its plugins)."""
    return sorted({*cgroups.members(), *processes.running_from(paths.state)})


def _remove_cgroups() -> list[Path]:
    """Remove the cgroups, and return those left. The kernel frees the cgroup of an ended process with a delay."""
    deadline = time.monotonic() + patience.limit(_KILL_LIMIT_SECONDS) / 10
    while (left := cgroups.remove()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def _unmount(state: Path) -> None:
    for mount in mounts_below(state, Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")):
        run(["umount", "--lazy", mount])


def mounts_below(folder: Path, mountinfo: str) -> list[Path]:
    """Return the mount points at or below a folder, the last mounted first.

    Args:
        folder: The folder.
        mountinfo: The content of /proc/self/mountinfo, in which spaces and similar characters are octal.
    """
    points = [Path(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), line.split()[4])) for line in mountinfo.splitlines()]
    return [point for point in reversed(points) if point.is_relative_to(folder)]


def shim_sockets(paths: Paths) -> list[Path]:
    """Return the sockets that containerd's shims keep outside the state directory, named by a digest of their task."""
    tasks = paths.state / "containerd/state/io.containerd.runtime.v2.task"
    names = [f"{paths.containerd_socket}/{task.parent.name}/{task.name}" for task in tasks.glob("*/*")]
    return [Path("/run/containerd/s") / hashlib.sha256(name.encode()).hexdigest() for name in names]


def _remove_files_elsewhere(paths: Paths, sockets: list[Path]) -> None:
    """Remove the files that containerd, CNI and the kubelet keep at fixed places; those of other programs stay."""
    for socket in sockets:
        socket.unlink(missing_ok=True)
    for result in Path("/var/lib/cni/results").glob("*"):
        if str(paths.state) in result.read_text("utf-8", "replace"):
            result.unlink()
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(paths.state):
            link.unlink()
    if (paths.state / "kubelet").exists():  # our kubelet ran, and every kubelet empties this folder when it starts
        for file in Path("/var/lib/kubelet/device-plugins").glob("kubelet*"):
            file.unlink()
    for folder in _EMPTY_IF_OURS:
        with contextlib.suppress(OSError):  # it holds other programs' files, or does not exist
            folder.rmdir()


_EMPTY_IF_OURS = tuple(
    Path(folder)
    for folder in (
        "/run/containerd/s",
        "/run/containerd",
        "/run/runc",
        "/var/lib/cni/results",
        "/var/lib/cni",
        "/var/log/containers",
        "/var/lib/kubelet/device-plugins",
        "/var/lib/kubelet",
    )
)


def _remove_state(paths: Paths) -> None:
    if not paths.state.exists():
        return
    if not paths.is_ours():
        raise LocalError(
            f"SLIPWAY_STATE: {paths.state} has no mark that Slipway created it, so it was not removed: check the "
            "variable, or remove the folder yourself if it is left over from a cluster"
        )
    shutil.rmtree(paths.state)
