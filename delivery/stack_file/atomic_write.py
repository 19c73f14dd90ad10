"""Replaces a file's content in one step, if it is still what was read: links, mode and owner stay."""

import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Keep every other slipway of this machine from replacing files in the folder; held for milliseconds.

    The folder is locked, for a lock on the file would be on what the rename takes away.
    """
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replaced(path: Path, content: bytes, *, expected: bytes) -> bool:
    """Write a file whole, unless it is not what is expected: then somebody else has written it; False.

    A link is followed: what it points to is replaced. A kill or a loss of power leaves the old content or the new.
    Between the last look and the rename there are microseconds: no file system compares and swaps.
    """
    real = path.resolve()
    known = real.stat()
    fresh = real.with_name(f".{real.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        with suppress(PermissionError):  # who is not root cannot give a file away
            os.fchown(descriptor, known.st_uid, known.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(known.st_mode))  # after the owner: a change of it clears bits
        stream.flush()
        os.fsync(descriptor)
    if real.read_bytes() != expected:
        fresh.unlink()
        return False
    fresh.replace(real)
    folder = os.open(real.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
