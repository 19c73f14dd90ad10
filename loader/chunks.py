"""Cut files into chunks, each fetched by one range request."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus

from loader.errors import EmptyError, LoaderError
from loader.files import RemoteFile, Source
from loader.web import Response, Web, redacted, with_retries

CHUNK_BYTES = 16 << 20
"""Large enough that the time of a round trip does not matter, small enough that a retry fetches little twice."""


@dataclass(frozen=True)
class Chunk:
    """A range of a file: the first byte and the byte after the last."""

    file: RemoteFile
    start: int
    end: int | None
    """None = to the end of the file, because its size is unknown or its server does not support ranges."""


@dataclass(frozen=True)
class Layout:
    """A file and its chunks in order."""

    file: RemoteFile
    chunks: tuple[Chunk, ...]


def layouts(web: Web, source: Source, files: Sequence[RemoteFile], connections: int) -> list[Layout]:
    """Return how each file is cut. A large file, or one of unknown size, takes one request to ask its server.

    Raises:
        LoaderError: a file is missing, or its size differs from the stated one.
    """
    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(partial(_layout, web, source), files))


def _layout(web: Web, source: Source, file: RemoteFile) -> Layout:
    if file.size is not None and file.size <= CHUNK_BYTES:
        return Layout(file, (Chunk(file, 0, file.size),) if file.size else ())
    size, ranges = with_retries(lambda: _asked(web, source, file))
    if file.size is not None and size is not None and size != file.size:
        raise size_fault(file, size)
    known = replace(file, size=file.size if size is None else size)
    if not ranges or known.size is None:
        return Layout(known, (Chunk(known, 0, None),))
    starts = range(0, known.size, CHUNK_BYTES)
    return Layout(known, tuple(Chunk(known, start, min(start + CHUNK_BYTES, known.size)) for start in starts))


def size_fault(file: RemoteFile, found: int) -> LoaderError:
    """Return the error for a file that is longer or shorter than its description says."""
    return LoaderError(
        f"{redacted(file.url)}: has {found} bytes, but {file.size} are stated; the model changed, so pin it again"
    )


def _asked(web: Web, source: Source, file: RemoteFile) -> tuple[int | None, bool]:
    """Return a file's size, and whether its server supports ranges, from a request for the first byte."""
    try:
        answer = web.ask(file.url, source.headers, {"Range": "bytes=0-0"})
    except EmptyError:  # an empty file has no first byte
        return 0, True
    try:
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            answer.drain_conn()  # one byte; the connection serves the first chunk
            answer.release_conn()
            return total_of(answer), True
        length = answer.headers.get("Content-Length", "")
        return (int(length) if length.isdigit() else None), False
    finally:
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            answer.close()  # the whole file follows


def total_of(answer: Response) -> int | None:
    """Return the file's size that the answer to a range request states."""
    total = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(total) if total.isdigit() else None
