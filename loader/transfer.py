"""Fetch chunks into partial files: several at once, each through one small buffer."""

import errno
import os
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from urllib3.exceptions import HTTPError

from loader.chunks import Chunk, size_fault, total_of
from loader.errors import LoaderError, UnreachableError, one_line
from loader.files import Source
from loader.journal import Journal
from loader.web import PAUSES_SECONDS, Response, Web, redacted

BUFFER_BYTES = 256 << 10
"""Memory of a connection. Larger writes can take five times as long, because the kernel searches for larger pages."""
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG}
"""Errors of the volume, not of the connection: a retry does not help."""


class Transfer:
    """Worker threads that fetch chunks in order. The first fault stops all of them."""

    def __init__(
        self, web: Web, source: Source, folder: Path, counted: Callable[[int], None], journal: Journal
    ) -> None:
        self._web, self._source, self._folder = web, source, folder
        self._counted, self._journal = counted, journal
        self._changed = threading.Condition()
        self._arrived: set[Chunk] = set()
        self._fault: BaseException | None = None
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, wanted: Iterable[Chunk], held: Iterable[Chunk], connections: int) -> None:
        """Start to fetch the wanted chunks; chunks that an earlier run has fetched count as arrived."""
        self._arrived.update(held)
        left: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
        for chunk in wanted:
            left.put(chunk)
        self._threads = [threading.Thread(target=self._work, args=(left,), daemon=True) for _ in range(connections)]
        for thread in self._threads:
            thread.start()

    def wait(self, chunk: Chunk) -> None:
        """Wait until a chunk has arrived, or raise the fault that stopped the transfer."""
        with self._changed:
            while chunk not in self._arrived:
                if self._fault is not None:
                    raise self._fault
                self._changed.wait()

    def stop(self) -> None:
        """End the threads, each after its current buffer."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _work(self, left: "queue.SimpleQueue[Chunk]") -> None:
        while not self._stopped.is_set():
            try:
                chunk = left.get_nowait()
            except queue.Empty:
                return
            try:
                self._fetch(chunk)
            except Exception as fault:  # noqa: BLE001 -- raised again by `wait`, in the thread that reports it
                self._end(fault)
                return
            if self._stopped.is_set():
                return  # the chunk may be incomplete
            if chunk.end is not None:
                self._journal.note(chunk.file.path, chunk.start, chunk.end)
            with self._changed:
                self._arrived.add(chunk)
                self._changed.notify_all()

    def _end(self, fault: Exception) -> None:
        self._stopped.set()
        with self._changed:
            self._fault = self._fault or fault
            self._changed.notify_all()

    def _fetch(self, chunk: Chunk) -> None:
        """Fetch a chunk; after a broken connection, continue with the next missing byte."""
        descriptor = os.open(self._folder / chunk.file.path, os.O_WRONLY | os.O_CREAT, 0o644)
        place = _Place(chunk, descriptor, chunk.start)
        pauses = iter(PAUSES_SECONDS)
        try:
            while True:
                before = place.at
                try:
                    self._attempt(place)
                except UnreachableError:
                    if place.at > before:
                        pauses = iter(PAUSES_SECONDS)  # the connection is unstable, but the fetch makes progress
                    pause = next(pauses, None)
                    if pause is None or self._stopped.wait(pause):
                        raise
                else:
                    return
        finally:
            os.close(descriptor)

    def _attempt(self, place: "_Place") -> None:
        """Read one answer into the file.

        Raises:
            UnreachableError: the connection broke; `place` is the position of the next missing byte.
            LoaderError: the server refuses, or states another size.
        """
        chunk, file = place.chunk, place.chunk.file
        wanted: dict[str, str] = {}
        if chunk.end is None:
            self._counted(chunk.start - place.at)  # the server sends the file from its beginning again
            place.at = chunk.start
        else:
            wanted = {"Range": f"bytes={place.at}-{chunk.end - 1}"}
        answer = self._web.ask(file.url, self._source.headers, wanted)
        try:
            self._check(answer, place)
            try:
                self._read(answer, place)
            except (HTTPError, OSError) as error:
                if isinstance(error, OSError) and error.errno in _DISK:
                    raise
                raise UnreachableError(
                    f"{redacted(file.url)}: the answer broke off ({one_line(error)}); try again later"
                ) from error
        finally:
            if place.complete:
                answer.release_conn()
            else:
                answer.close()
        if not place.complete and not self._stopped.is_set():
            raise UnreachableError(f"{redacted(file.url)}: the answer ended after {place.at} bytes; try again later")

    @staticmethod
    def _check(answer: Response, place: "_Place") -> None:
        """Refuse an answer that is not the requested range: its bytes belong at another position."""
        chunk, file = place.chunk, place.chunk.file
        if chunk.end is None:
            return
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            start = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
            total = total_of(answer)
            if total is not None and file.size is not None and total != file.size:
                raise size_fault(file, total)
            if start == str(place.at):
                return
        elif place.at == 0 and chunk.end == file.size:  # the whole file is one chunk
            return
        raise LoaderError(f"{redacted(file.url)}: the source offers ranges but ignores them; report this to its owner")

    def _read(self, answer: Response, place: "_Place") -> None:
        limit = place.chunk.end if place.chunk.end is not None else place.chunk.file.size
        while not self._stopped.is_set():
            room = BUFFER_BYTES if limit is None else min(BUFFER_BYTES, limit - place.at)
            data = answer.read(room) if room else b""
            if not data:
                if place.chunk.end is None and limit is not None and answer.read(1):
                    raise size_fault(place.chunk.file, limit + 1)
                place.ended = place.chunk.end is None
                return
            written = os.pwrite(place.descriptor, data, place.at)
            while written < len(data):
                written += os.pwrite(place.descriptor, data[written:], place.at + written)
            place.at += len(data)
            self._counted(len(data))


@dataclass
class _Place:
    """The position of a chunk's next byte in its file."""

    chunk: Chunk
    descriptor: int
    at: int
    ended: bool = False
    """Whether an answer without a range is complete."""

    @property
    def complete(self) -> bool:
        size = self.chunk.file.size
        return self.at == self.chunk.end or (self.ended and size in (None, self.at))
