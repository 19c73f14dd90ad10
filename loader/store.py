"""The volume that holds models, one folder each. A server mounts a folder of it; nothing is copied.

A model is fetched into `.partial-<name>` and renamed once every byte is verified. `.record-<name>.json` then holds the
size and time of each file, so that a later start reads a few hundred bytes instead of the model. A lock lets one loader
fetch while the others wait; the kernel releases the lock when its process ends.
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
from enum import Enum
from pathlib import Path
from typing import Any

from loader.download import Proof
from loader.journal import FILE as JOURNAL_FILE
from loader.journal import Journal
from loader.progress import say

ABANDONED_SECONDS = 24 * 3600
"""Time without a change after which partial files of another model are removed."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


class Lock(Enum):
    """The result of an attempt to lock a file."""

    ACQUIRED = "acquired"
    TAKEN = "taken by another process"
    UNSUPPORTED = "not supported by the volume"


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
        """Wait until no other loader fetches this model. Without locks, each pod fetches into its own folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        with _lock_file(self.root, self.name).open("a", encoding="utf-8") as lock:
            match _lock(lock.fileno()):
                case Lock.UNSUPPORTED:
                    say("the volume does not support locks; other pods may fetch the same model", model=self.name)
                    yield _Unlocked(self.root, self.name)
                    return
                case Lock.TAKEN:
                    say("another pod fetches this model; waiting for it", model=self.name)
                    fcntl.flock(lock, fcntl.LOCK_EX)
                case Lock.ACQUIRED:
                    pass
            yield self

    def holds(self, pin: str) -> bool:
        """Return whether the model is complete, judged by the size and time of each file; nothing is hashed."""
        try:
            record: dict[str, Any] = json.loads(self._record.read_text("utf-8"))
            files: dict[str, Any] = record["files"]
            return record["pin"] == pin and all(
                _seen(self.published / path) == [one["size"], one["mtimeNs"]] for path, one in files.items()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def prepare(self) -> Path:
        """Return the folder to fetch into. Files of an incomplete published model are reused."""
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
        """Publish the folder of verified files, then write its record: a record always describes a complete folder."""
        for path in sorted(self.partial.rglob("*"), reverse=True):
            if path.is_file() and str(path.relative_to(self.partial)) not in proofs:
                path.unlink()  # an earlier list of files named it
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        damaged = self.partial.with_name(f"{self.partial.name}.damaged")  # swept like other partial files
        if self.published.exists():  # without locks, another pod may have been faster
            if self.holds(pin):
                shutil.rmtree(self.partial)
                return
            shutil.rmtree(damaged, ignore_errors=True)
            self.published.rename(damaged)
        files = {
            path: dict(zip(("size", "mtimeNs"), _seen(self.partial / path), strict=True)) | {"sha256": proof.sha256}
            for path, proof in proofs.items()
        }
        self.partial.rename(self.published)
        shutil.rmtree(damaged, ignore_errors=True)
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps({"uri": uri, "pin": pin, "files": files}, indent=1) + "\n", "utf-8")
        fresh.replace(self._record)

    def _sweep(self) -> None:
        """Remove abandoned partial files of other models."""
        for left in self.root.glob(".partial-*"):
            name = left.name.removeprefix(".partial-")
            with suppress(OSError):
                if left == self.partial or time.time() - _last_change(left) < ABANDONED_SECONDS:
                    continue
                with _lock_file(self.root, name).open("a", encoding="utf-8") as lock:
                    if _lock(lock.fileno()) is not Lock.TAKEN:
                        shutil.rmtree(left, ignore_errors=True)


class _Unlocked(Store):
    @property
    def partial(self) -> Path:
        return self.root / f".partial-{self.name}-{socket.gethostname()}"


def _lock_file(root: Path, name: str) -> Path:
    return root / f".lock-{name}"


def _lock(descriptor: int) -> Lock:
    """Lock a file if no other process has locked it. The kernel releases the lock when the file is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Lock.TAKEN
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return Lock.UNSUPPORTED
    return Lock.ACQUIRED


def _last_change(partial: Path) -> float:
    journal = partial / JOURNAL_FILE
    return (journal if journal.exists() else partial).stat().st_mtime


def _seen(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]
