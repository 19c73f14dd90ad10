"""Pin a model: return the size and SHA-256 of each file, which `slipway model pin` writes into the catalogue.

Hashes come from SHA256SUMS or from the source. The loader reads only files for which neither states a SHA-256, as a
stream that never touches the disk.
"""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from urllib3.exceptions import HTTPError

from loader.chunks import layouts, size_fault
from loader.download import CONNECTIONS
from loader.errors import LoaderError, MissingError, UnreachableError, one_line
from loader.files import SUMS_FILE, Hash, RemoteFile, Source
from loader.manifest import Pinned
from loader.selection import files_to_fetch
from loader.sources import open_source
from loader.web import Web, redacted, with_retries

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class PinnedModel:
    """The current content of a model at its source."""

    uri: str
    version: dict[str, str]
    """What the source resolved the URI to: a commit or digest, or the entity tag of a single file."""
    files: dict[str, Pinned]
    read: int
    """Bytes that were read to compute missing hashes."""


def pin(
    uri: str,
    environment: Mapping[str, str],
    include: Sequence[str] = (),
    told: Callable[[RemoteFile], None] | None = None,
) -> PinnedModel:
    """Return the files of a model and their hashes.

    Args:
        uri: The model's URI.
        environment: Endpoints and credentials, as for the loader.
        include: Patterns such as `*.safetensors`; only files that match one are pinned. Empty = all files.
        told: Called before a file is read.

    Raises:
        LoaderError: the source cannot be read, or no file matches.
    """
    web = Web()
    source = open_source(uri, web, environment)
    files = [file for file in _files(web, source) if _matches(file.path, include)]
    if not files:
        raise LoaderError(f"{uri}: no file matches {' or '.join(include)}" if include else f"{uri}: contains no file")
    found: dict[str, Pinned] = {}
    version, read = dict(source.version), 0
    for layout in layouts(web, source, files, CONNECTIONS):
        file = layout.file
        if file.digest and file.digest.kind == "sha256" and file.size is not None:
            found[file.path] = Pinned(file.digest.hex, file.size)
            continue
        if told:
            told(file)
        reading = _Reading(web, source, file)
        found[file.path] = reading.whole()
        read += found[file.path].size
        if len(files) == 1 and reading.tag:
            version["etag"] = reading.tag
    return PinnedModel(uri, version, found, read)


def _files(web: Web, source: Source) -> list[RemoteFile]:
    if (listed := source.hashed_files()) is not None:
        return listed
    if source.single is not None:
        return source.all_files()
    try:
        return [file for file in files_to_fetch(web, source, None, None) if file.path != SUMS_FILE]
    except MissingError:
        return source.all_files()


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


class _Reading:
    """Reads a file as a stream and hashes it; after a broken connection, it continues with the next byte."""

    def __init__(self, web: Web, source: Source, file: RemoteFile) -> None:
        self._web, self._source, self._file = web, source, file
        self._hash = Hash(file.digest, file.size)
        self.tag = ""
        """The entity tag of the answer, if any."""

    def whole(self) -> Pinned:
        """Return the size and hash of the file; raise LoaderError if it is damaged or cannot be read."""
        with_retries(self._rest)
        digest = self._file.digest
        if digest and self._hash.matching(digest) != digest.hex:
            where = redacted(self._file.url)
            raise LoaderError(f"{where}: does not match the hash that its source states; report this to its owner")
        return Pinned(self._hash.sha256, self._hash.size)

    def _rest(self) -> None:
        file, at = self._file, self._hash.size
        if at == file.size:
            return
        answer = self._web.ask(file.url, self._source.headers, {"Range": f"bytes={at}-"} if at else {})
        try:
            if at and answer.status != HTTPStatus.PARTIAL_CONTENT:  # the server begins again at the first byte
                self._hash = Hash(file.digest, file.size)
            self.tag = answer.headers.get("ETag", "").removeprefix("W/").strip('"')
            while data := answer.read(_READ_BYTES):
                self._hash.update(data)
                if file.size is not None and self._hash.size > file.size:
                    raise size_fault(file, self._hash.size)
        except (HTTPError, OSError) as error:
            raise UnreachableError(
                f"{redacted(file.url)}: the answer broke off ({one_line(error)}); try again later"
            ) from error
        finally:
            answer.close()
        if file.size not in (None, self._hash.size):
            raise UnreachableError(
                f"{redacted(file.url)}: the answer ended after {self._hash.size} bytes; try again later"
            )
