"""Remove the copies of a stack's kubeconfig that the plugin leaves behind.

For Helm, pulumi-kubernetes copies its kubeconfig to a temporary file, and it never removes that file (provider.go,
``writeKubeconfigToFile``). Every run would leave credentials there. Slipway installs no chart, so nothing reads them.
The program removes the copy of a run when the run ends. `pulumi destroy` and `pulumi refresh` do not run the program:
the next preview or update removes their copies.
"""

import atexit
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import cast

import yaml

_AT_EXIT: set[Path] = set()


def remove_at_exit(kubeconfig: Path) -> None:
    """Remove the copies of a file when this process ends. The plugin writes its copy before that."""
    if not _AT_EXIT:
        atexit.register(_remove_all)
    _AT_EXIT.add(kubeconfig)


def _remove_all() -> None:
    for path in _AT_EXIT:
        remove(path)


def remove(kubeconfig: Path) -> None:
    """Remove the copies of a file now. A copy that cannot be read or removed stays.

    Args:
        kubeconfig: The file that the plugin reads. If it does not exist, nothing is removed.
    """
    with suppress(OSError, ValueError, yaml.YAMLError):
        given = _content(kubeconfig)
        for copy in _temporary().glob("kubeconfig[0-9]*"):
            with suppress(OSError, ValueError, yaml.YAMLError):
                if _own(copy) and _holds(_content(copy), given):
                    copy.unlink()


def _temporary() -> Path:
    return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 -- as Go's os.TempDir, which the plugin uses


def _own(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.getuid()


def _content(path: Path) -> object:
    return yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)


def _holds(copy: object, given: object) -> bool:
    """Return whether a copy contains all of the original. client-go adds keys, such as ``preferences: {}``."""
    if isinstance(given, dict) and isinstance(copy, dict):
        theirs = cast("dict[object, object]", copy)
        pairs = cast("dict[object, object]", given).items()
        return all(key in theirs and _holds(theirs[key], value) for key, value in pairs)
    if isinstance(given, list) and isinstance(copy, list):
        both = cast("list[object]", copy), cast("list[object]", given)
        return len(both[0]) == len(both[1]) and all(map(_holds, *both))
    return copy == given
