"""The memory limit of a pod: a control group, of version 1 or 2, where this user may create one."""

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
MEBIBYTE = 1 << 20
_ENTER = 'echo $$ >"$0" && exec "$@"'
_FILES = {
    1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"),
    2: ("memory.max", "memory.peak", "memory.events"),
}
"""Limit, peak and number of processes killed."""


@dataclass(frozen=True)
class Group:
    """A control group whose processes are killed when they use more memory than its limit."""

    folder: Path
    version: int

    def entered(self, command: Sequence[str]) -> list[str]:
        """Return the command that enters the group first."""
        return ["sh", "-c", _ENTER, str(self.folder / "cgroup.procs"), *command]

    @property
    def peak(self) -> int:
        """The most memory so far in MiB, with files in the page cache and the kernel's socket buffers."""
        return int((self.folder / _FILES[self.version][1]).read_text("utf-8")) // MEBIBYTE

    @property
    def killed(self) -> int:
        """Processes that were killed because of the limit."""
        lines = (self.folder / _FILES[self.version][2]).read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


@contextmanager
def limited(mebibytes: int, mount: Path = MOUNT) -> Generator[Group | None]:
    """Make a group for the time of the block; None if this user may not make one here."""
    group = _made(mebibytes, mount)
    try:
        yield group
    finally:
        if group is not None:
            with suppress(OSError):  # a process that does not end holds it
                group.folder.rmdir()


def _made(mebibytes: int, mount: Path) -> Group | None:
    for version, parent, own in ((2, mount, "cgroup.subtree_control"), (1, mount / "memory", "memory.use_hierarchy")):
        group = Group(parent / f"slipway-attack-{os.getpid()}", version)
        if not (parent / own).exists():
            continue
        try:
            if version == 2:  # noqa: PLR2004 - groups of version 1 have the files of their controller without a request
                (parent / own).write_text("+memory", "utf-8")
            group.folder.mkdir()
        except OSError:
            continue
        try:
            (group.folder / _FILES[version][0]).write_text(str(mebibytes * MEBIBYTE), "utf-8")
        except OSError:
            group.folder.rmdir()
            continue
        return group
    return None
