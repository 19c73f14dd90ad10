"""Download the wheels that image builds install from on this machine, because a build step may reach no index.

If a registry mirror uses a private certificate authority, this machine trusts it and a container does not. The hashes
in the lock files are checked at the download and again at the installation inside the build.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from local.commands import run
from local.errors import LocalError
from local.images import architecture
from local.progress import Progress

# Lock files of the model server, and of the images beside it: the loader, stores in images/<store>, examples.
_SERVER_LOCKS, _IMAGE_LOCKS = (
    "serving/requirements*.lock",
    ("loader/requirements.lock", "images/*/requirements*.lock", "examples/*/*/*.lock"),
)
# The base image's Python, which may differ from the one that runs this program.
_PYTHON, _ABI = "3.11", "cp311"
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# pip matches a platform literally, so every glibc level that Debian 12 (2.36) can load is listed.
_GLIBC_LEVELS = ("2014", *(f"_2_{minor}" for minor in (17, 24, 26, 27, 28, 31, 34, 35, 36)))


def provide(project: Path, target: Path, cache: Path, progress: Progress) -> None:
    """Fill `target` with exactly the wheels that the project's lock files name; raises LocalError.

    Args:
        project: The clone; every `requirements*.lock` of the model server and of an image counts.
        target: The build context; its content is replaced only if it differs.
        cache: Where downloads are kept, by the content of the lock files.
        progress: Shows the download.
    """
    locks = locks_in(project)
    store = cache / f"wheels/{key(locks)}"
    if not store.is_dir():
        with progress.step("download wheels", 40):
            _download(locks, store, cache / "wheels/pip.log")
    mirror(store, target)


def locks_in(project: Path) -> list[Path]:
    """Return the lock files of everything that a stack builds; raise LocalError if the model server has none."""
    server = sorted(project.glob(_SERVER_LOCKS))
    if not server:
        raise LocalError(f"{project}: {_SERVER_LOCKS} does not exist, so the model server's wheels are unknown")
    return [*server, *(lock for pattern in _IMAGE_LOCKS for lock in sorted(project.glob(pattern)))]


def key(locks: Sequence[Path]) -> str:
    """Return the key of a download, which changes with the lock files, the Python version and the architecture."""
    parts = [_PYTHON, architecture(), *_GLIBC_LEVELS, *(lock.read_text("utf-8") for lock in locks)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _download(locks: Sequence[Path], store: Path, log: Path) -> None:
    fresh = store.with_name(f"{store.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    machine = _MACHINES[architecture()]
    platforms = [f"--platform=manylinux{level}_{machine}" for level in _GLIBC_LEVELS]
    for lock in locks:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", f"--python-version={_PYTHON}", "--implementation=cp"]
        command += [f"--abi={_ABI}", *platforms]
        run([*command, f"--dest={fresh}", f"--requirement={lock}"], log=log, timeout_seconds=1800)
    fresh.rename(store)


def mirror(store: Path, target: Path) -> None:
    """Make `target` hold exactly the files of `store`, as hard links where possible."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {file.name: file for file in store.iterdir()}
    for file in target.iterdir():
        if file.name not in wanted or file.stat().st_size != wanted[file.name].stat().st_size:
            file.unlink()
    for name, file in wanted.items():
        if not (target / name).exists():
            try:
                os.link(file, target / name)
            except OSError:  # another file system
                shutil.copyfile(file, target / name)
