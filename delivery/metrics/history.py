"""The samples that the driver has read itself, and what they say about a window.

Whatever cannot be proved to lie inside a window is not counted: a process that was running at the window's start, and
that nobody read just before, counts from its first sample on.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import isnan, nan

from delivery.metrics.series import Key, Labels, Series, key_of

START = "process_start_time_seconds"
"""The gauge with the Unix time at which a process began."""
_RECENT_SECONDS = 5.0
"""Maximum age of a read that gives a counter's value at the window's start. Reads are one second apart."""
_MOST, _EVERY = 1200, 10
"""Beyond this number of reads of one process (20 minutes), the newer half stays, and every tenth of the older half."""
Selects = Callable[[Labels], bool]


@dataclass
class Track:
    """A counter: one value for each read of its process, from the read with the number ``first`` on."""

    labels: Labels
    first: int
    values: "array[float]" = field(default_factory=lambda: array("d"))
    """NaN = the read succeeded, and the counter was not there."""

    def at(self, index: int) -> float:
        """Return the value at a read; NaN if the counter was not there."""
        return self.values[index - self.first] if self.first <= index < self.first + len(self.values) else nan


@dataclass
class Process:
    """What was read of one pod, or of another process. It stays when the pod is gone: its requests were answered."""

    created: float = 0.0
    """Unix time at which the pod was created; 0 = unknown."""
    times: "array[float]" = field(default_factory=lambda: array("d"))
    """Unix times at which the successful reads began."""
    starts: "array[float]" = field(default_factory=lambda: array("d"))
    """By read, the Unix time at which the process began, as it says itself; 0 = unknown. Containers restart."""
    tracks: dict[Key, Track] = field(default_factory=dict[Key, Track])

    def add(self, at: float, started: float, samples: Iterable[tuple[Labels, float]]) -> None:
        """Add a successful read, unless a later one was added already."""
        if self.times and at <= self.times[-1]:
            return
        index = len(self.times)
        self.times.append(at)
        self.starts.append(started)
        for labels, value in samples:
            key = key_of(labels) | {("__name__", labels["__name__"])}
            if key not in self.tracks:
                self.tracks[key] = Track(labels, index)
            track = self.tracks[key]
            if len(track.values) <= index - track.first:  # else the text has the series twice
                track.values.append(value)
        for track in self.tracks.values():
            if len(track.values) <= index - track.first:
                track.values.append(nan)

    def series(self, since: float, until: float, selects: Selects) -> Iterator[Series]:
        """Yield the selected counters with samples in a window."""
        first, end = bisect_right(self.times, since), bisect_right(self.times, until)
        known = first > 0 and since - self.times[first - 1] <= _RECENT_SECONDS
        young = first < end and max(self.created, self.starts[first]) > since
        for track in (track for track in self.tracks.values() if selects(track.labels)):
            samples = tuple((self.times[i], track.at(i)) for i in range(first, end) if not isnan(track.at(i)))
            if not samples:
                continue
            value = track.at(first - 1) if known else nan
            new = isnan(value) and (known or young)
            before = 0.0 if new else None if isnan(value) else value
            yield Series(labels=track.labels, samples=samples, before=before, existed=not new)

    def thin(self, edges: Iterable[float]) -> None:
        """Drop most of the old reads, but none next to one of these edges of windows."""
        old = len(self.times) - _MOST // 2
        near = {index + step for index in (bisect_right(self.times, edge) for edge in edges) for step in (-1, 0)}
        kept = [i for i in range(len(self.times)) if i >= old or i % _EVERY == 0 or i in near]
        for track in self.tracks.values():
            values = [(n, track.at(i)) for n, i in enumerate(kept) if track.first <= i]
            track.first = values[0][0] if values else len(kept)
            track.values = array("d", (value for _, value in values))
        self.times, self.starts = (array("d", (of[i] for i in kept)) for of in (self.times, self.starts))


@dataclass
class History:
    """Everything that was read, by process."""

    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    edges: set[float] = field(default_factory=set[float])
    """Unix times at which windows begin."""

    def add(
        self, process: str, at: float, samples: Iterable[tuple[Labels, float]], *, created: float, started: float
    ) -> None:
        """Add a successful read of a process."""
        found = self.processes.setdefault(process, Process())
        found.created = max(found.created, created)
        found.add(at, started, samples)
        if len(found.times) > _MOST:
            found.thin(self.edges)

    def series(self, since: float, until: float, selects: Selects) -> Iterator[Series]:
        """Yield the selected counters with samples in a window."""
        self.edges.add(since)
        for process in self.processes.values():
            yield from process.series(since, until, selects)
