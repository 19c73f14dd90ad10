"""The file in which a driver keeps what it has read, so that a driver that resumes the release counts the same.

Prometheus remembers how a counter stood when a stage began; a process that was killed does not. Each read is one line
with the values that changed. The file belongs to one run, and a driver on another machine does not have it: that one
counts from its own first read on.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, cast

from delivery.metrics.history import History
from delivery.metrics.series import Labels

_Line = dict[str, Any]


class Kept:
    """The reads of one run in a file."""

    def __init__(self, path: Path, run: str, edges: Iterable[float] = ()) -> None:
        """Name the file of a run, whose windows begin at these Unix times."""
        self._path, self._run, self._edges = path, run, edges
        self._file: TextIO | None = None
        self._numbers: dict[tuple[str, str], int] = {}
        """By process and labels, the number of a counter in the file."""
        self._labels: list[Labels] = []
        self._last: dict[str, dict[int, float]] = {}
        """By process, the values of its last read."""

    def load(self, history: History) -> None:
        """Add what an earlier driver of the same run has read, and drop the file of any other run."""
        history.edges.update(self._edges)
        whole = 0
        with suppress(FileNotFoundError, UnicodeDecodeError):
            for text in self._path.read_bytes().splitlines(keepends=True):
                line = _parsed(text)
                if line is None or (not whole and line != {"run": self._run}):
                    break  # torn by a kill, or another run's
                if whole:
                    self._replay(line, history)
                whole += len(text)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.truncate(whole)
        self._file = self._path.open("a", encoding="utf-8")
        if not whole:
            self._write({"run": self._run})

    def add(
        self, process: str, at: float, samples: Iterable[tuple[Labels, float]], *, created: float, started: float
    ) -> None:
        """Append a read."""
        fresh: list[Labels] = []
        now: dict[int, float] = {}
        for labels, value in samples:
            key = process, json.dumps(labels, sort_keys=True)
            if key not in self._numbers:
                self._numbers[key] = len(self._labels)
                self._labels.append(labels)
                fresh.append(labels)
            now[self._numbers[key]] = value
        before = self._last.get(process, {})
        changed = [[number, value] for number, value in now.items() if before.get(number) != value]
        gone = [number for number in before if number not in now]
        self._last[process] = now
        self._write(
            {"p": process, "at": at, "c": created, "s": started, "new": fresh, "values": changed, "gone": gone},
        )

    def close(self) -> None:
        """Close the file; a driver that resumes the run opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _replay(self, line: _Line, history: History) -> None:
        process = str(line["p"])
        for labels in line["new"]:
            self._numbers[process, json.dumps(labels, sort_keys=True)] = len(self._labels)
            self._labels.append(labels)
        now = {number: value for number, value in self._last.get(process, {}).items() if number not in line["gone"]}
        now |= {int(number): float(value) for number, value in line["values"]}
        self._last[process] = now
        samples = [(self._labels[number], value) for number, value in now.items()]
        history.add(process, line["at"], samples, created=line["c"], started=line["s"])

    def _write(self, line: _Line) -> None:
        """Write a line at once: a kill loses at most the line that it tears."""
        if self._file is not None:
            try:
                self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
                self._file.flush()
            except OSError:  # a full disk must not end a release; what was written so far stays valid
                with suppress(OSError):
                    self._file.close()
                self._file = None


def _parsed(text: bytes) -> _Line | None:
    if not text.endswith(b"\n"):
        return None
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    return cast("_Line", found) if isinstance(found, dict) else None
