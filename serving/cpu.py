"""The number of CPUs this process may use: the limit of its cgroup, not the cores of the host.

A pod limited to 2 CPUs that starts 64 threads on a 64-core node is throttled for most of every scheduling period, so
the thread count follows the limit. Both cgroup versions are read, because clusters run nodes with either.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CGROUP_MOUNT = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
# With more CPUs than this, extra threads inside one inference help more than extra concurrent inferences.
MOST_WORKERS = 4


@dataclass(frozen=True, kw_only=True)
class Threads:
    """How the CPUs are divided: worker threads (one request each) times threads inside one inference."""

    workers: int
    intra_op: int

    @classmethod
    def for_cpus(cls, cpus: float) -> "Threads":
        """Return a split whose total number of threads stays within the limit; a fraction of a CPU counts as one."""
        whole = max(1, int(cpus))
        workers = min(whole, MOST_WORKERS)
        return cls(workers=workers, intra_op=max(1, whole // workers))


def available_cpus(mount: Path = CGROUP_MOUNT, own: Path = OWN_CGROUPS) -> float:
    """Return the CPUs (may be fractional) left by scheduler affinity and by every cgroup limit on this process."""
    return min([float(len(os.sched_getaffinity(0))), *_limits(mount, own)])


def _limits(mount: Path, own: Path) -> Iterator[float]:
    try:
        lines = own.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            yield from _walk(mount, group, _limit_v2)
        elif "cpu" in controllers.split(","):
            for root in {mount / controllers, mount / "cpu"}:
                yield from _walk(root, group, _limit_v1)


def _walk(root: Path, group: str, limit_of: Callable[[Path], float | None]) -> Iterator[float]:
    """Yield the limits of the group and its ancestors; a container sees only the root, which is its own group."""
    folder = root / group.lstrip("/")
    for candidate in (folder, *folder.parents):
        if not candidate.is_relative_to(root):
            return
        try:
            limit = limit_of(candidate)
        except (OSError, ValueError):
            continue
        if limit is not None:
            yield limit


def _limit_v2(folder: Path) -> float | None:
    quota, period = (folder / "cpu.max").read_text("utf-8").split()
    return None if quota == "max" else int(quota) / int(period)


def _limit_v1(folder: Path) -> float | None:
    quota = int((folder / "cpu.cfs_quota_us").read_text("utf-8"))
    return None if quota < 0 else quota / int((folder / "cpu.cfs_period_us").read_text("utf-8"))
