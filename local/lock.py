"""Prevent two `up` or `down` commands from changing the same cluster at once."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError


@contextmanager
def exclusive(file: Path) -> Generator[None]:
    """Hold the lock while the block runs; raise LocalError, which names the holder, if it is taken.

    The kernel releases the lock when its holder ends, for whatever reason. The file stays; its existence means nothing.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            raise LocalError(
                f"another `make up` or `make down` is running (pid {holder}): wait for it, or stop it with ^C"
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
