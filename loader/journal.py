"""The journal of the chunks that have arrived, so that a restarted loader continues where the killed one stopped.

The journal is a text file beside the partial files. Each line is written after its chunk. If a line is lost or broken,
the loader fetches its chunk again. If a line names bytes that a crash of the node has lost, the file's hash does not
match, and the loader fetches the whole file again.
"""

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = ".journal"


class Journal:
    """The chunks that have arrived, by the path of their file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._lock = threading.Lock()
        self._arrived: dict[str, set[tuple[int, int]]] = {}
        with suppress(FileNotFoundError):
            for line in self._path.read_text("utf-8", errors="replace").splitlines():
                self._read(line)
        self._out = self._path.open("a", encoding="utf-8")
        self._out.write("\n")  # ends a line that a killed loader left incomplete

    def _read(self, line: str) -> None:
        with suppress(ValueError, TypeError, KeyError):
            said: dict[str, Any] = json.loads(line)
            if "again" in said:
                self._arrived.pop(said["again"], None)
            else:
                self._arrived.setdefault(said["path"], set()).add((int(said["start"]), int(said["end"])))

    def arrived(self, path: str) -> set[tuple[int, int]]:
        """Return the chunks of a file, as first byte and the byte after the last."""
        return set(self._arrived.get(path, ()))

    def note(self, path: str, start: int, end: int) -> None:
        """Record that a chunk is in its file."""
        self._write({"path": path, "start": start, "end": end})

    def forget(self, path: str) -> None:
        """Record that a file must be fetched from its beginning."""
        self._arrived.pop(path, None)
        self._write({"again": path})

    def _write(self, said: dict[str, object]) -> None:
        with self._lock:
            self._out.write(json.dumps(said) + "\n")
            self._out.flush()

    def close(self) -> None:
        """Close the file."""
        self._out.close()

    def remove(self) -> None:
        """Remove the file: the model is complete."""
        self._path.unlink(missing_ok=True)
