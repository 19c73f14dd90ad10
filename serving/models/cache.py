"""A folder of verified models shared by several pods, one subfolder per URI: a second cold start downloads nothing."""

import hashlib
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from serving.models.checksums import ChecksumError, verify

_READABLE = 60
INCOMING = ".incoming-"
ABANDONED_SECONDS = 3600


def entry_of(cache: Path, uri: str) -> Path:
    """Return the folder of a URI's model: a readable name plus a hash that makes it unique."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", uri).strip("-")[-_READABLE:]
    return cache / f"{readable}-{hashlib.sha256(uri.encode()).hexdigest()[:12]}"


def holds(entry: Path) -> bool:
    """Return whether the folder holds a complete, undamaged model."""
    try:
        verify(entry)
    except ChecksumError:
        return False
    return True


def keep(entry: Path, model: Path) -> None:
    """Add a verified model to the cache in one atomic step; if several pods do so at once, one wins.

    Raises:
        OSError: the cache cannot be written.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    _sweep(entry.parent)
    with tempfile.TemporaryDirectory(prefix=INCOMING, dir=entry.parent) as folder:
        fresh = Path(folder) / "model"
        shutil.copytree(model, fresh)
        if entry.exists() and not holds(entry):
            with suppress(FileNotFoundError):  # another pod moved the damaged copy away
                entry.rename(Path(folder) / "damaged")
        try:
            fresh.rename(entry)
        except OSError:
            if not holds(entry):  # no other pod put a complete copy there either
                raise


def _sweep(cache: Path) -> None:
    """Remove folders left by pods that were killed while writing; a pod that is still writing has a younger folder."""
    for left in cache.glob(f"{INCOMING}*"):
        with suppress(FileNotFoundError):  # another pod sweeps too
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
