"""A folder that behaves as the kernel's cgroup v2 file system does."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_FILES = {"cpu": ("cpu.weight", "100"), "memory": ("memory.max", "max"), "pids": ("pids.max", "max")}


class Cgroup2:
    """The mount point's rules: who may enable what, which files are there, and when a group can go.

    Args:
        mount: Where it is mounted.
        controllers: What the kernel offers.
        refused: Controllers that it offers and does not enable (a realtime process holds `cpu`).
    """

    def __init__(self, mount: Path, controllers: str, refused: frozenset[str] = frozenset()) -> None:
        self.mount, self.refused = mount, refused
        self.unpatched: dict[str, Callable[..., Any]] = {}
        self.writes: list[str] = []
        mount.mkdir()
        self._populate(mount, controllers)

    def install(self, patch: pytest.MonkeyPatch) -> "Cgroup2":
        """Make `pathlib` obey below the mount point."""
        for name in ("mkdir", "rmdir", "write_text"):
            self.unpatched[name] = getattr(Path, name)
        kernel = self

        def mkdir(path: Path, mode: int = 0o777, **options: Any) -> None:
            kernel._mkdir(path, mode=mode, **options)

        def rmdir(path: Path) -> None:
            kernel._rmdir(path)

        def write_text(path: Path, text: str, encoding: str | None = None, **options: Any) -> int:
            return kernel._write(path, text, encoding=encoding, **options)

        patch.setattr(Path, "mkdir", mkdir)
        patch.setattr(Path, "rmdir", rmdir)
        patch.setattr(Path, "write_text", write_text)
        return self

    def _populate(self, group: Path, controllers: str) -> None:
        for name, text in (("cgroup.controllers", controllers), ("cgroup.subtree_control", ""), ("cgroup.procs", "")):
            with (group / name).open("w") as file:
                file.write(text)
        if group != self.mount:
            self._offer(group, controllers.split())

    @staticmethod
    def _offer(group: Path, controllers: list[str]) -> None:
        """Give a group its controllers and their files."""
        with (group / "cgroup.controllers").open("w") as file:
            file.write(" ".join(controllers))
        for controller, (name, default) in _FILES.items():
            if controller in controllers and not (group / name).exists():
                with (group / name).open("w") as file:
                    file.write(default)

    def _mkdir(self, path: Path, **options: Any) -> None:
        there = path.exists()
        self.unpatched["mkdir"](path, **options)
        if not there and path.is_relative_to(self.mount):
            for group in (
                *reversed([p for p in path.parents if p != self.mount and p.is_relative_to(self.mount)]),
                path,
            ):
                if not (group / "cgroup.procs").exists():
                    self._populate(group, (group.parent / "cgroup.subtree_control").read_text())

    def _rmdir(self, path: Path) -> None:
        if not path.is_relative_to(self.mount):
            self.unpatched["rmdir"](path)
            return
        if (path / "cgroup.procs").read_text().split() or any(child.is_dir() for child in path.iterdir()):
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        for file in path.iterdir():
            file.unlink()
        os.rmdir(path)  # noqa: PTH106  (pathlib is patched)

    def _write(self, path: Path, text: str, **options: Any) -> int:
        if not path.is_relative_to(self.mount):
            return int(self.unpatched["write_text"](path, text, **options))
        if not path.exists():
            raise PermissionError(errno.EACCES, "the kernel makes the files", str(path))
        self.writes.append(f"{path.relative_to(self.mount)} {text}")
        if path.name == "cgroup.subtree_control":
            self._enable(path, text)
            return len(text)
        return int(self.unpatched["write_text"](path, text, **options))

    def _enable(self, file: Path, text: str) -> None:
        group, asked = file.parent, [word.removeprefix("+") for word in text.split()]
        offered = (group / "cgroup.controllers").read_text().split()
        if any(name not in offered for name in asked):
            raise OSError(errno.ENOENT, "No such file or directory", str(file))
        if any(name in self.refused for name in asked):
            raise OSError(errno.EINVAL, "Invalid argument", str(file))
        if group != self.mount and (group / "cgroup.procs").read_text().split():
            raise OSError(errno.EBUSY, "a group with processes has no children with controllers", str(file))
        enabled = list(dict.fromkeys((*file.read_text().split(), *asked)))
        with file.open("w") as control:
            control.write(" ".join(enabled))
        for child in group.iterdir():
            if child.is_dir():
                self._offer(child, enabled)
