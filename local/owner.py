"""Hand the cluster to the user who ran `sudo make up`, so that `make status`, pulumi and kubectl need no sudo.

The daemons still run as root. The user owns credentials, records and Pulumi's state; the data of the daemons (volumes,
images, etcd) still belongs to root.
"""

import os
import pwd
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError

# Folders of the state directory that `make status`, `make env`, pulumi and kubectl read or write.
_GIVEN = ("pki", "etc", "run", "logs", "buildx", "pulumi")
_IN_CLONE = (".venv", ".slipway")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A user of this machine."""

    uid: int
    gid: int
    home: Path


def own_home() -> Path:
    """Return the home folder of this process's user; raise LocalError if neither HOME nor an account names one."""
    try:
        return Path.home()
    except RuntimeError:
        raise LocalError("HOME: not set, and this user has no account: set HOME to a folder of yours") from None


def invoking(environment: Mapping[str, str] = os.environ) -> Owner | None:
    """Return the user who ran `sudo`; None without sudo, or if root ran it."""
    given = environment.get("SUDO_UID", "")
    if os.geteuid() != 0 or not given.isdecimal() or int(given) == 0:
        return None
    try:
        entry = pwd.getpwuid(int(given))
    except KeyError:
        return None
    return Owner(uid=entry.pw_uid, gid=entry.pw_gid, home=Path(entry.pw_dir))


def hand_over(owner: Owner, state: Path, cache: Path, project: Path) -> None:
    """Give the user the files of the cluster that users need, the cache folder, and what root created in the clone."""
    folders = [state / name for name in _GIVEN]
    if project.stat().st_uid == owner.uid:
        folders += [project / name for name in _IN_CLONE]
    paths = [folder for top in (state, cache) for folder in (top, *_made_by_root(top, owner.home))]
    paths += [file for file in state.iterdir() if file.is_file()]
    paths += [path for folder in folders for path in _all_of(folder)]
    for path in paths:
        if path.lstat().st_uid != owner.uid:
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    buildkit = state / "buildkit"
    if buildkit.is_dir():  # the user owns its socket, and must be able to enter its folder
        buildkit.chmod(0o711)


def _made_by_root(folder: Path, home: Path) -> Iterator[Path]:
    """Yield the folders between the home and this one that belong to root, because `mkdir -p` made them."""
    for parent in folder.parents:
        if parent == home or not parent.is_relative_to(home):
            return
        if parent.stat().st_uid == 0:
            yield parent


def _all_of(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield folder
        yield from folder.rglob("*")
