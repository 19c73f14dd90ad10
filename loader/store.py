"""The volume that holds models, one folder each. A server mounts a folder of it; nothing is copied.

A model is fetched into `.partial-<name>` and renamed when every byte is verified. `.record-<name>.json` then proves it
by the size and time of each file, so that a later start reads a few hundred bytes, not the model. A lock lets one
loader fetch while the others wait; the kernel frees it with its process.
"""

import errno
import fcntl
import json
import shutil
import socket
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loader.download import Proof
from loader.journal import FILE as JOURNAL_FILE
from loader.journal import Journal
from loader.progress import say

ABANDONED_SECONDS = 24 * 3600
"""Partial files of a model that nobody fetches any longer are removed after this time."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class Store:
    """One model's place on a volume."""

    root: Path
    name: str

    @property
    def published(self) -> Path:
        """The folder that servers mount."""
        return self.root / self.name

    @property
    def partial(self) -> Path:
        """The folder of the files that are still arriving."""
        return self.root / f".partial-{self.name}"

    @property
    def _record(self) -> Path:
        return self.root / f".record-{self.name}.json"

    @contextmanager
    def locked(self) -> Generator["Store"]:
        """Wait until no other loader fetches this model. A volume without locks gives each pod a folder of its own."""
        self.root.mkdir(parents=True, exist_ok=True)
        with _lock_file(self.root, self.name).open("a", encoding="utf-8") as lock:
            try:
                if not _acquired(lock.fileno()):
                    say("another pod fetches this model; waiting for it", model=self.name)
                    fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                say("the volume has no locks; fetching beside other pods", model=self.name)
                yield _Unlocked(self.root, self.name)
                return
            yield self

    def holds(self, pin: str) -> bool:
        """Return whether the model is complete, by the size and time of each file. Nothing is hashed."""
        try:
            record: dict[str, Any] = json.loads(self._record.read_text("utf-8"))
            files: dict[str, Any] = record["files"]
            return record["pin"] == pin and all(
                _seen(self.published / path) == [one["size"], one["mtimeNs"]] for path, one in files.items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def prepare(self) -> Path:
        """Return the folder to fetch into. A published model that is incomplete becomes the start of its repair."""
        self._sweep()
        self._record.unlink(missing_ok=True)
        if self.published.is_dir():
            if self.partial.exists():
                shutil.rmtree(self.partial)
            self.published.rename(self.partial)
            journal = Journal(self.partial)
            for path in self.partial.rglob("*"):
                if path.is_file() and path.name != JOURNAL_FILE:
                    journal.note(str(path.relative_to(self.partial)), 0, path.stat().st_size)
            journal.close()
        self.partial.mkdir(exist_ok=True)
        return self.partial

    def publish(self, uri: str, pin: str, proofs: Mapping[str, Proof]) -> None:
        """Give the verified files their name, then the record: a record always describes a complete folder."""
        for path in sorted(self.partial.rglob("*"), reverse=True):
            if path.is_file() and str(path.relative_to(self.partial)) not in proofs:
                path.unlink()  # of an earlier list of files
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        if self.published.exists():  # without locks, another pod may have been faster
            if self.holds(pin):
                shutil.rmtree(self.partial)
                return
            self.published.rename(self.partial / ".damaged")
        files = {
            path: dict(zip(("size", "mtimeNs"), _seen(self.partial / path), strict=True)) | {"sha256": proof.sha256}
            for path, proof in proofs.items()
        }
        self.partial.rename(self.published)
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps({"uri": uri, "pin": pin, "files": files}, indent=1) + "\n", "utf-8")
        fresh.replace(self._record)

    def _sweep(self) -> None:
        """Remove partial files of other models that no loader is fetching any longer."""
        for left in self.root.glob(".partial-*"):
            name = left.name.removeprefix(".partial-")
            with suppress(OSError):
                if left == self.partial or time.time() - _last_change(left) < ABANDONED_SECONDS:
                    continue
                with _lock_file(self.root, name).open("a", encoding="utf-8") as lock:
                    if _acquired(lock.fileno()):
                        shutil.rmtree(left, ignore_errors=True)


class _Unlocked(Store):
    @property
    def partial(self) -> Path:
        return self.root / f".partial-{self.name}-{socket.gethostname()}"


def _lock_file(root: Path, name: str) -> Path:
    return root / f".lock-{name}"


def _acquired(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_change(partial: Path) -> float:
    journal = partial / JOURNAL_FILE
    return (journal if journal.exists() else partial).stat().st_mtime


def _seen(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]
