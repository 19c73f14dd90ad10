"""Keep two `up`s or `down`s from working on the same cluster at once."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalError


@contextmanager
def exclusive(file: Path) -> Generator[None]:
    """Hold the lock while the block runs; raises LocalError, naming the holder, if it is taken.

    The kernel frees it when its holder ends, however that happens; the file itself stays, empty of meaning.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            holder = stream.read().strip() or "unknown"
            raise LocalError(
                f"another `make up` or `make down` runs (pid {holder}): wait for it, or end it with ^C"
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
