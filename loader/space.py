"""Refuse a model that does not fit before its first byte is fetched, not when the kubelet evicts the pod."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from loader.errors import LoaderError
from loader.progress import amount

SPARE_BYTES = 1 << 20
"""Free bytes to leave for the journal and the record."""


@dataclass
class Space:
    """The space that a model may take: its limit, and the free bytes of its volume."""

    uri: str
    folder: Path
    limit: int | None = None
    """In bytes; None = only the volume limits the model."""
    _used: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, total: int | None, there: int) -> None:
        """Refuse a model of `total` bytes, of which `there` bytes have arrived already.

        Raises:
            LoaderError: the limit or the volume is too small.
        """
        self._used = there
        if total is None:
            return
        self._refuse_more(total)
        state = os.statvfs(self.folder)
        free = state.f_bavail * state.f_frsize
        if total - there + SPARE_BYTES > free:
            raise LoaderError(
                f"{self.uri}: {amount(total - there)} are still to fetch, but the volume has {amount(free)} free; "
                "enlarge the volume, or remove models that no slot runs from it"
            )

    def use(self, added: int) -> None:
        """Count arrived bytes, in case the model's size was unknown before; raise LoaderError above the limit."""
        with self._lock:
            self._used += added
            used = self._used
        self._refuse_more(used)

    def _refuse_more(self, count: int) -> None:
        if self.limit is not None and count > self.limit:
            raise LoaderError(
                f"{self.uri}: has {amount(count)} or more, but model.size is {amount(self.limit)}; raise model.size "
                "and limits.ephemeral-storage"
            )
