"""One virtual environment for each server, exactly as its lock file says."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.preview import PROJECT
from bench.server.contestants import LOCKS, OURS

_UV = PROJECT / ".venv" / "bin" / "uv"
_PYTHON = PROJECT / ".venv" / "bin" / "python"
_SYNC = ("pip", "sync", "--compile-bytecode", "--only-binary", ":all:", "--require-hashes")
_MARK = "lock.sha256"
_NOT_SERVED = ("tests", "training")
"""Folders of serving/ that no image for serving has; its Dockerfile removes train*.py as well."""


def prepare(folder: Path, say: Callable[[str], None]) -> None:
    """Make what is missing or stale; packages come by hash from whatever index uv is configured for.

    Raises:
        RuntimeError: uv failed; the message holds its output.
    """
    for name, lock in LOCKS.items():
        wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
        home = folder / name
        mark = home / _MARK
        if mark.exists() and mark.read_text("utf-8") == wanted:
            continue
        say(f"{name}: installing {_packages(lock)} packages (about 30 s)")
        _uv("venv", "--clear", "--python", str(_PYTHON), str(home))
        _uv(*_SYNC, "--python", str(home), str(lock))
        mark.write_text(wanted, "utf-8")


def mebibytes(folder: Path, name: str) -> float:
    """What a server adds to an image with Python: its site-packages, and for ours the served part of serving/.

    Byte code is left out: how much there is depends on what ran before.
    """
    size = _size(next((folder / name / "lib").glob("python*/site-packages")))
    return (size + (_size(PROJECT / "serving") if name == OURS else 0)) / 2**20


def _size(root: Path) -> int:
    total = 0
    for at, folders, files in os.walk(root):
        folders[:] = [
            name for name in folders if name != "__pycache__" and (root.name != "serving" or name not in _NOT_SERVED)
        ]
        total += sum((Path(at) / name).stat().st_size for name in files)
    return total


def _packages(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text("utf-8").splitlines() if not line.startswith((" ", "#")))


def _uv(*arguments: str) -> None:
    done = subprocess.run([str(_UV), *arguments], check=False, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(f"uv {' '.join(arguments)} exited {done.returncode}:\n{done.stderr}")
