"""A folder of verified models that several pods share, one folder per URI: a second cold start downloads nothing."""

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
    """Where a URI's model is kept: a name to recognise it by, and a hash to tell it from all others."""
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", uri).strip("-")[-_READABLE:]
    return cache / f"{readable}-{hashlib.sha256(uri.encode()).hexdigest()[:12]}"


def holds(entry: Path) -> bool:
    """Whether a complete and undamaged model is there."""
    try:
        verify(entry)
    except ChecksumError:
        return False
    return True


def keep(entry: Path, model: Path) -> None:
    """Put a verified copy of a model into the cache, in one step; of several pods that do so at once, one wins.

    Raises:
        OSError: the cache cannot be written.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    _sweep(entry.parent)
    with tempfile.TemporaryDirectory(prefix=INCOMING, dir=entry.parent) as folder:
        fresh = Path(folder) / "model"
        shutil.copytree(model, fresh)
        if entry.exists() and not holds(entry):
            with suppress(FileNotFoundError):  # another pod moved the damaged one away
                entry.rename(Path(folder) / "damaged")
        try:
            fresh.rename(entry)
        except OSError:
            if not holds(entry):  # not even another pod's copy
                raise


def _sweep(cache: Path) -> None:
    """Remove what pods left behind that were killed while they wrote; a pod that still writes is younger than this."""
    for left in cache.glob(f"{INCOMING}*"):
        with suppress(FileNotFoundError):  # another pod sweeps too
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
