"""The disk that a guest has as /root: the clone under test, the compiled caches, wheels for `make setup`, the agent.

Everything that a user of a connected machine would download or build is there already, so a trial tries the rest.
"""

import hashlib
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from local.commands import run
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.golang import WHEEL, find_go
from local.toolchain.groups import GROUPS
from tests.machines import agent, roots
from tests.machines.guests import CLONE, HOME, TRIAL, WHEELS, Guest
from tests.machines.roots import Root

_SIZE = "24G"  # sparse
_LIMIT_SECONDS = 1800
# With these, pip and uv install from the folder and ask nobody.
ENVIRONMENT = {
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": f"{HOME}/{WHEELS}",
    "UV_NO_INDEX": "1",
    "UV_FIND_LINKS": f"{HOME}/{WHEELS}",
    "UV_OFFLINE": "1",
}
# The names of builds depend on the version of Go, so the guest must have one; whoever asks it to build learns why not.
_GO = """#!/bin/sh
[ "$*" = "env GOVERSION" ] && echo {version} && exit
echo "go $*: this guest has no Go; what it needs should be in the cache" >&2
exit 1
"""
_GLIBC_LEVELS = ("2014", "2010", *(f"_2_{minor}" for minor in range(5, 37)))  # Debian 12 has 2.36


def provide(guest: Guest, root: Root, paths: Paths, folder: Path, progress: Progress) -> Path:
    """Write the image of a guest's home and return its file.

    `make setup` runs here already, on the guest's own file system and with its Python, but with this machine's kernel:
    an emulated processor would compile Python's files for a quarter of an hour.

    Args:
        guest: The guest.
        root: Its root.
        paths: The clone under test, of which HEAD counts, and this machine's cache.
        folder: Where the wheels are kept and the image is written.
        progress: Shows the steps.

    Raises:
        LocalError: if the cache lacks something, which `make up` on this machine adds.
    """
    store = _wheels(guest, paths.project / "requirements.lock", folder, progress)
    tree, image = folder / f"{guest.name}-home", folder / f"{guest.name}-home.img"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True, mode=0o700)
    image.unlink(missing_ok=True)
    with progress.step(f"{guest.name}: home with clone and caches", 10):
        run(["git", "clone", "--quiet", paths.project, tree / CLONE])
        _copy_cache(paths, tree / ".cache/slipway")
        _link_tree(store, tree / WHEELS)
        (tree / TRIAL).mkdir()
        for file in Path(agent.__file__).parent.glob("*.py"):
            shutil.copyfile(file, tree / TRIAL / file.name)
    _set_up(guest, root, tree, folder, progress)
    with progress.step(f"{guest.name}: home image", 10):
        roots.make_image(tree, image, _SIZE)
    shutil.rmtree(tree)
    return image


def exports() -> str:
    """Return a shell line after which pip and uv need no index."""
    return "export " + " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())


# Mounts that end with this shell: the guest's root, unchanged, with the home and what a chroot needs.
_CHROOT = """set -e
mount -o loop,ro "$0" "$1"
mount --bind "$2" "$1/root"
for folder in tmp run; do mount -t tmpfs none "$1/$folder"; done
mount -t proc none "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "$3"
"""


def _set_up(guest: Guest, root: Root, tree: Path, folder: Path, progress: Progress) -> None:
    """Give the clone the `.venv` that `make setup` makes in the guest, made once for each lock file and recipe."""
    clone = tree / CLONE
    facts = "\0".join((guest.key, (clone / "requirements.lock").read_text(), recipe((clone / "Makefile").read_text())))
    made = folder / "setups" / f"{guest.name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"
    if made.is_dir():
        _link_tree(made, clone / ".venv")
        (clone / ".venv/.ready").touch()  # newer than the clone's lock file
        return
    made.parent.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=folder) as mounted,
        progress.step(f"{guest.name}: make setup, in a chroot", 60),
    ):
        inside = f"cd {HOME}/{CLONE} && {exports()} && make setup"
        shell = ["unshare", "--mount", "--", "/bin/sh", "-c", _CHROOT, root.image, mounted, tree, inside]
        run(shell, log=folder / f"{guest.name}-setup.log", timeout_seconds=_LIMIT_SECONDS)
    _link_tree(clone / ".venv", made)


def recipe(makefile: str) -> str:
    """Return the rule that makes `.venv`."""
    _, rule, after = makefile.partition("\n.venv/.ready:")
    return rule + after.partition("\n\n")[0]


def _copy_cache(paths: Paths, target: Path) -> None:
    """Take what `make up` of this clone finds in the cache: programs, images, wheels, resource definitions."""
    go = find_go(paths.cache)
    toolchain = Toolchain(paths.cache, Progress(), GROUPS)
    found = {name: toolchain.found(name) for group in GROUPS for name in group.binaries}
    missing = [name for name, path in found.items() if path is None]
    if go is None or missing:
        lacking = ", ".join(missing) or "a Go"
        raise LocalError(f"{paths.cache}: {lacking} is not there: run `make up` and `make down` on this machine first")
    builds = {path.parent.parent for path in found.values() if path is not None and path.is_relative_to(paths.cache)}
    kept = (*builds, paths.cache / "images", paths.cache / "wheels", *paths.cache.glob("crds-*"))
    for source in kept:
        _link_tree(source, target / source.relative_to(paths.cache))
    program = target / "toolchain" / WHEEL.replace("==", "-") / "go/bin/go"
    program.parent.mkdir(parents=True)
    program.write_text(_GO.format(version=go.version))
    program.chmod(0o755)
    target.chmod(0o700)


def _link_tree(source: Path, target: Path) -> None:
    """Copy a tree by hard links, or by content on another file system; it is only read from there."""
    shutil.copytree(source, target, symlinks=True, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _wheels(guest: Guest, lock: Path, folder: Path, progress: Progress) -> Path:
    """Download the wheels of the lock file for the guest's Python, once for each lock."""
    key = hashlib.sha256(f"{guest.python}\0{lock.read_text()}".encode()).hexdigest()[:12]
    store = folder / f"wheels-{guest.python}-{key}"
    if not store.is_dir():
        fresh = folder / f"{store.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", f"--python-version={guest.python}"]
        platforms = [f"--platform=manylinux{level}_{platform.machine()}" for level in _GLIBC_LEVELS]
        with progress.step(f"{guest.name}: wheels for Python {guest.python}", 30):
            run([*command, *platforms, f"--dest={fresh}", f"--requirement={lock}"], timeout_seconds=_LIMIT_SECONDS)
        fresh.rename(store)
    return store
