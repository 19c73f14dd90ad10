"""Fetch the files of a model in parallel chunks, and hash them while they arrive.

Bytes go from the socket to the file through one small buffer per connection, so memory does not depend on the size of
the model. SHA-256 cannot begin in the middle of a file: the hash follows in the order of the bytes and reads them back
from the page cache, which costs less than keeping chunks in memory until their turn. huggingface_hub and s3transfer
fetch in the same way.
"""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loader.chunks import Chunk, Layout, layouts, size_fault
from loader.errors import LoaderError
from loader.files import Digest, Hash, RemoteFile, Source
from loader.journal import Journal
from loader.progress import Progress
from loader.room import Room
from loader.transfer import Transfer
from loader.web import Web, shown

CONNECTIONS = 4
_READ_BYTES = 256 << 10


@dataclass(frozen=True)
class Proof:
    """A file that arrived as a whole."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Download:
    """A fetch of all files of a model into a folder of partial files."""

    web: Web
    source: Source
    folder: Path
    room: Room
    progress: Progress
    connections: int = CONNECTIONS

    def run(self, files: Sequence[RemoteFile]) -> dict[str, Proof]:
        """Fetch and verify the files, and return the proof of each by path. Partial files stay if it fails.

        Raises:
            LoaderError: a file is missing or damaged, its size differs, or there is no room for it.
        """
        planned = layouts(self.web, self.source, files, self.connections)
        for layout in planned:
            (self.folder / layout.file.path).parent.mkdir(parents=True, exist_ok=True)
        journal = Journal(self.folder)
        try:
            proofs = self._round(planned, journal)
            again = [layout for layout in planned if layout.file.path not in proofs]
            if again:  # their first bytes came in an earlier run: the source or the volume may have changed since
                for layout in again:
                    journal.forget(layout.file.path)
                proofs |= self._round(again, journal)
        finally:
            journal.close()
        journal.remove()
        return proofs

    def _round(self, planned: Sequence[Layout], journal: Journal) -> dict[str, Proof]:
        """Return the proofs of the files that match. A file that does not, and was fetched as a whole, is a fault."""
        there = {layout.file.path: self._there(layout, journal) for layout in planned}
        held = [chunk for chunks in there.values() for chunk in chunks]
        wanted = [chunk for layout in planned for chunk in layout.chunks if chunk not in set(held)]
        sizes = [layout.file.size for layout in planned]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        self.room.check(total, sum(map(_length, held)))
        self.progress.begin(total, sum(map(_length, held)))
        transfer = Transfer(self.web, self.source, self.folder, self._counted, journal)
        transfer.start(wanted, held, self.connections)
        proofs: dict[str, Proof] = {}
        try:
            for layout in planned:
                proof = self._proved(layout, transfer, resumed=bool(there[layout.file.path]))
                if proof is None:
                    continue
                proofs[layout.file.path] = proof
        finally:
            transfer.stop()
        return proofs

    def _counted(self, added: int) -> None:
        self.progress.count(added)
        self.room.use(added)

    def _there(self, layout: Layout, journal: Journal) -> list[Chunk]:
        """Return the chunks of an earlier run; a file that is longer or shorter than it should be counts as absent."""
        arrived = journal.arrived(layout.file.path)
        path = self.folder / layout.file.path
        found = [chunk for chunk in layout.chunks if _covered(chunk, arrived)]
        size = path.stat().st_size if path.exists() else 0
        fits = all(chunk.end is not None and chunk.end <= size for chunk in found)
        if not fits or (layout.file.size is not None and size > layout.file.size):
            path.unlink(missing_ok=True)
            journal.forget(layout.file.path)
            return []
        return found

    def _proved(self, layout: Layout, transfer: Transfer, *, resumed: bool) -> Proof | None:
        """Hash a file behind its chunks. Return None if it is damaged, but parts of it came in an earlier run."""
        file = layout.file
        path = self.folder / file.path
        if not layout.chunks:
            path.touch()
        digest = Hash(file.digest, file.size)
        buffer = memoryview(bytearray(_READ_BYTES))
        at = 0
        with path.open("ab+", buffering=0) as content, durable(content.fileno()) as write_back:
            for chunk in layout.chunks:  # the transfer may not have created the file yet: mode a
                transfer.wait(chunk)
                end = os.fstat(content.fileno()).st_size if chunk.end is None else chunk.end
                while at < end and (count := os.preadv(content.fileno(), [buffer[: end - at]], at)):
                    digest.update(buffer[:count])
                    at += count
                write_back()
        expected = file.digest or Digest("sha256", digest.sha256)
        if digest.found(expected) == expected.hex and file.size in (None, at):
            return Proof(digest.sha256, at)
        path.unlink()
        if resumed:
            return None
        transfer.forget(file.path)
        if file.size not in (None, at):
            raise size_fault(file, at)
        raise LoaderError(
            f"{shown(file.url)}: {expected.kind} hash is {digest.found(expected)[:12]}…, but {expected.hex[:12]}… is "
            "required; the file is damaged or another one, so nothing was published"
        )


@contextmanager
def durable(descriptor: int) -> Generator[Callable[[], None]]:
    """Have the bytes of a file on the disk at the end of the block, even after a power cut: the record promises them.

    The block calls what it gets whenever bytes have come. They are written in another thread, so that little is left to
    wait for at the end.

    Raises:
        OSError: the disk failed. The kernel reports a failure once, so no result may be dropped.
    """
    with ThreadPoolExecutor(1) as disk:
        writing: Future[None] | None = None

        def write_back() -> None:
            nonlocal writing
            if writing is None or writing.done():
                if writing is not None:
                    writing.result()
                writing = disk.submit(os.fdatasync, descriptor)

        yield write_back
        if writing is not None:
            writing.result()
        os.fdatasync(descriptor)


def _covered(chunk: Chunk, arrived: set[tuple[int, int]]) -> bool:
    """Return whether a chunk has arrived; an older run may have cut the file in another way."""
    return chunk.end is not None and any(start <= chunk.start and chunk.end <= end for start, end in arrived)


def _length(chunk: Chunk) -> int:
    return (chunk.end or 0) - chunk.start
