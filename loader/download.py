"""Fetch the files of a model in parallel chunks, and hash them while they arrive.

Bytes go from the socket to the file through one small buffer per connection, so memory does not depend on the size of
the model. SHA-256 cannot begin in the middle of a file. The hash therefore reads the bytes in order, from the page
cache, which costs less than keeping chunks in memory until their turn. huggingface_hub and s3transfer fetch in the same
way.
"""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loader.chunks import Chunk, Layout, layouts, size_fault
from loader.errors import LoaderError
from loader.files import Hash, RemoteFile, Source
from loader.journal import Journal
from loader.progress import Progress
from loader.space import Space
from loader.transfer import Transfer
from loader.web import Web, redacted

CONNECTIONS = 4
_READ_BYTES = 256 << 10


@dataclass(frozen=True)
class Proof:
    """The hash and size of a verified file."""

    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Download:
    """A fetch of all files of a model into a folder of partial files."""

    web: Web
    source: Source
    folder: Path
    space: Space
    progress: Progress
    connections: int = CONNECTIONS

    def run(self, files: Sequence[RemoteFile]) -> dict[str, Proof]:
        """Fetch and verify the files, and return the proof of each by path. After an error, partial files stay.

        Raises:
            LoaderError: a file is missing or damaged, its size differs, or there is no space for it.
        """
        planned = layouts(self.web, self.source, files, self.connections)
        for layout in planned:
            (self.folder / layout.file.path).parent.mkdir(parents=True, exist_ok=True)
        journal = Journal(self.folder)
        try:
            proofs = self._fetched(planned, journal)
            # An earlier run fetched parts of these files. The source or the volume may have changed since.
            damaged = [layout for layout in planned if layout.file.path not in proofs]
            if damaged:
                proofs |= self._fetched(damaged, journal)
        finally:
            journal.close()
        journal.remove()
        return proofs

    def _fetched(self, planned: Sequence[Layout], journal: Journal) -> dict[str, Proof]:
        """Fetch the missing chunks, and return the proofs of the files that match their hashes.

        A file that does not match is removed. It is a fault only if all its bytes came in this run.
        """
        resumed = {layout.file.path: self._held(layout, journal) for layout in planned}
        held = {chunk for chunks in resumed.values() for chunk in chunks}
        wanted = [chunk for layout in planned for chunk in layout.chunks if chunk not in held]
        sizes = [layout.file.size for layout in planned]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        arrived = sum(map(_length, held))
        self.space.check(total, arrived)
        self.progress.begin(total, arrived)
        transfer = Transfer(self.web, self.source, self.folder, self._count, journal)
        transfer.start(wanted, held, self.connections)
        proofs: dict[str, Proof] = {}
        try:
            for layout in planned:
                path = layout.file.path
                found = self._hashed(layout, transfer)
                if (fault := _fault(layout.file, found)) is None:
                    proofs[path] = Proof(found.sha256, found.size)
                    continue
                (self.folder / path).unlink()
                journal.forget(path)
                if not resumed[path]:
                    raise fault
        finally:
            transfer.stop()
        return proofs

    def _count(self, added: int) -> None:
        self.progress.count(added)
        self.space.use(added)

    def _held(self, layout: Layout, journal: Journal) -> list[Chunk]:
        """Return the chunks that an earlier run has fetched, and remove a file whose size contradicts them."""
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

    def _hashed(self, layout: Layout, transfer: Transfer) -> Hash:
        """Hash a file while its chunks arrive, in the order of its bytes."""
        path = self.folder / layout.file.path
        if not layout.chunks:
            path.touch()
        found = Hash(layout.file.digest, layout.file.size)
        buffer = memoryview(bytearray(_READ_BYTES))
        # Mode a, because the transfer may not have created the file yet.
        with path.open("ab+", buffering=0) as content, durable(content.fileno()) as write_back:
            for chunk in layout.chunks:
                transfer.wait(chunk)
                end = os.fstat(content.fileno()).st_size if chunk.end is None else chunk.end
                while found.size < end and (
                    count := os.preadv(content.fileno(), [buffer[: end - found.size]], found.size)
                ):
                    found.update(buffer[:count])
                write_back()
        return found


def _fault(file: RemoteFile, found: Hash) -> LoaderError | None:
    """Return the error for a file whose size or hash is not the required one, or None."""
    if file.size not in (None, found.size):
        return size_fault(file, found.size)
    if file.digest is None or found.matching(file.digest) == file.digest.hex:
        return None
    return LoaderError(
        f"{redacted(file.url)}: {file.digest.kind} hash is {found.matching(file.digest)[:12]}…, but "
        f"{file.digest.hex[:12]}… is required; the file is damaged or another one, so nothing was published"
    )


@contextmanager
def durable(descriptor: int) -> Generator[Callable[[], None]]:
    """Write a file's bytes to the disk by the end of the block, so that a power failure cannot lose published bytes.

    Yields a function to call whenever bytes have arrived. It starts to write them in another thread, so that the end of
    the block waits for few bytes.

    Raises:
        OSError: the disk failed. The kernel reports a failure only once, so every result is checked.
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
    """Return whether a chunk has arrived, even if an older loader cut the file into other chunks."""
    return chunk.end is not None and any(start <= chunk.start and chunk.end <= end for start, end in arrived)


def _length(chunk: Chunk) -> int:
    return (chunk.end or 0) - chunk.start
