"""Writes a file in one step, so that a kill or a power loss leaves either the old or the new content."""

import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Keep every other slipway process on this machine from replacing files in the folder; held for milliseconds.

    The lock is on the folder, because the rename would replace a locked file.
    """
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write(path: Path, text: str) -> None:
    """Write a file, whatever it contained before."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)


def replaced(path: Path, content: bytes, *, expected: bytes) -> bool:
    """Replace a file's content; return False if the content is not ``expected``, because somebody else has written it.

    A link is followed, and its target is replaced. The file keeps its mode and owner.
    No file system offers compare-and-swap, so microseconds remain between the comparison and the rename.
    """
    real = path.resolve()
    known = real.stat()
    fresh = real.with_name(f".{real.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        with suppress(PermissionError):  # only root can give a file to another owner
            os.fchown(descriptor, known.st_uid, known.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(known.st_mode))  # after fchown, which clears mode bits
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
