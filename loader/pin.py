"""Record what a model is: size and SHA-256 of each file. `slipway model pin` writes the result into the catalogue.

Hashes come from SHA256SUMS or from the source. Only files for which neither states a SHA-256 are read, as a stream:
nothing is written to disk.
"""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from urllib3.exceptions import HTTPError

from loader.chunks import layouts, size_fault, total_of
from loader.download import CONNECTIONS
from loader.errors import LoaderError, MissingError, UnreachableError, reason
from loader.files import SUMS_FILE, Hash, RemoteFile, Source
from loader.manifest import Pinned
from loader.sources import open_source
from loader.wanted import wanted
from loader.web import PAUSES_SECONDS, Web, patiently, shown

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class PinnedModel:
    """A model as it is now."""

    uri: str
    version: dict[str, str]
    """What the source resolved the URI to: a commit or digest, or the entity tag of a single file."""
    files: dict[str, Pinned]
    read: int
    """Bytes that had to be read to hash them."""


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
        read += reading.at
        if len(files) == 1 and reading.tag:
            version["etag"] = reading.tag
    return PinnedModel(uri, version, found, read)


def _files(web: Web, source: Source) -> list[RemoteFile]:
    if (listed := source.listed()) is not None:
        return listed
    if getattr(source, "single", None) is not None:
        return source.found()
    try:
        return [file for file in wanted(web, source, None, None) if file.path != SUMS_FILE]
    except MissingError:
        return source.found()


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


class _Reading:
    """Reads a file as a stream and hashes it; after a broken connection, it continues after the last byte."""

    def __init__(self, web: Web, source: Source, file: RemoteFile) -> None:
        self._web, self._source = web, source
        self._file: RemoteFile = file
        self._hash = Hash(file.digest, file.size)
        self.at = 0
        self.tag = ""

    def whole(self) -> Pinned:
        """Return the size and hash of the file; raise LoaderError if it is damaged or cannot be read."""
        patiently(self._rest, PAUSES_SECONDS)
        file, digest = self._file, self._file.digest
        if file.size not in (None, self.at):
            raise size_fault(file, self.at)
        if digest and self._hash.found(digest) != digest.hex:
            raise LoaderError(f"{shown(file.url)}: does not match the hash that its source states; report it there")
        return Pinned(self._hash.sha256, self.at)

    def _rest(self) -> None:
        if self.at == self._file.size:
            return
        file = self._file
        answer = self._web.ask(file.url, self._source.headers, {"Range": f"bytes={self.at}-"} if self.at else {})
        try:
            if self.at and total_of(answer) is None:  # a server without ranges begins again
                self.at, self._hash = 0, Hash(file.digest, file.size)
            self.tag = answer.headers.get("ETag", "").removeprefix("W/").strip('"')
            while data := answer.read(_READ_BYTES):
                self._hash.update(data)
                self.at += len(data)
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"{shown(file.url)}: the answer broke off ({reason(error)})") from error
        finally:
            answer.close()
        if self.at != (self._file.size or self.at):
            raise UnreachableError(f"{shown(file.url)}: the answer ended after {self.at} bytes")
        self._file = replace(file, size=self.at)
