"""Runs in the guest: prints the cgroups' limits and weights, and what a busy pod gets beside busy builds and daemons.

The standard library only, like the agent. Arguments, as JSON: the pod's uid, its container's id, a daemon's pid, the
cgroup below which builds run, and how many seconds to measure.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path("/sys/fs/cgroup")
_FILES = ("cpu.weight", "cpu.max", "memory.max", "cgroup.subtree_control", "cgroup.controllers")
_BUILD = "trial-build"
_SETTLE_SECONDS = 3


def container_group(pod: str, container: str, root: Path = ROOT) -> Path:
    """Return a container's cgroup."""
    found = [path for path in root.rglob(container) if path.is_dir() and f"pod{pod}" in str(path)]
    if not found:
        raise SystemExit(f"no cgroup of container {container} of pod {pod} below {root}")
    return found[0]


def shown(group: Path, root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Return the settings of a cgroup and of those above it, by their place below the root."""
    chain = [group, *(parent for parent in group.parents if parent.is_relative_to(root))]
    return {
        str(place.relative_to(root)): {
            name: (place / name).read_text().strip() for name in _FILES if (place / name).exists()
        }
        for place in chain
    }


def group_of(pid: int, root: Path = ROOT) -> Path:
    """Return the cgroup of a process."""
    return root / Path(f"/proc/{pid}/cgroup").read_text().strip().rpartition("::/")[2]


def busy(group: Path) -> int:
    """Start a process in a cgroup that wants a whole processor; returns its pid."""
    pid = os.fork()
    if pid == 0:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        while True:
            pass
    return pid


def used_seconds(group: Path) -> float:
    """Return the processor time that a cgroup has had so far."""
    lines = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
    return int(lines["usage_usec"]) / 1e6


def measure(groups: dict[str, Path], loops: list[Path], seconds: float) -> dict[str, float]:
    """Return how many processors each cgroup gets while the loops run."""
    pids = [busy(group) for group in loops]
    try:
        time.sleep(_SETTLE_SECONDS)
        start, before = time.monotonic(), {name: used_seconds(group) for name, group in groups.items()}
        time.sleep(seconds)
        elapsed = time.monotonic() - start
        return {name: round((used_seconds(group) - before[name]) / elapsed, 3) for name, group in groups.items()}
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def main(given: dict[str, Any]) -> dict[str, Any]:
    """Look and measure; the cgroup of the pretended build is removed again."""
    pod = container_group(given["pod"], given["container"])
    daemons, build = group_of(given["daemon"]), ROOT / str(given["builds"]).strip("/") / _BUILD
    build.mkdir()
    groups = {"pod": pod, "build": build, "daemons": daemons}
    try:
        settings = {name: shown(group) for name, group in groups.items()}
        loops = [pod, daemons, *[build] * (os.cpu_count() or 1)]
        return {"settings": settings, "processors": measure(groups, loops, given["seconds"])}
    finally:
        time.sleep(1)
        with contextlib.suppress(OSError):
            build.rmdir()


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201  (its output is its result)
