"""The files of a model as its source describes them: where each one is, how large, and which hash proves it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from loader.errors import LoaderError

SUMS_FILE = "SHA256SUMS"
_SHA256_LENGTH = 64
_PATH = re.compile(r"[^\x00-\x1f\x7f\\]{1,1024}")


@dataclass(frozen=True)
class Digest:
    """The hash that proves a file. Git's own hash covers the file's length and content (a "blob")."""

    kind: Literal["sha256", "git"]
    hex: str


class Hash:
    """Computes the SHA-256 of a file, and Git's hash too if the source states that one."""

    def __init__(self, expected: Digest | None, stated_size: int | None) -> None:
        self.size = 0
        """Bytes so far."""
        self._sha256 = hashlib.sha256()
        self._git: Any = None
        if expected and expected.kind == "git":
            self._git = hashlib.sha1(f"blob {stated_size}\0".encode(), usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        self.size += len(data)
        self._sha256.update(data)
        if self._git:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the bytes so far."""
        return self._sha256.hexdigest()

    def matching(self, expected: Digest) -> str:
        """Return the hash of the same kind as the expected one, in hex."""
        return self._git.hexdigest() if expected.kind == "git" else self.sha256


@dataclass(frozen=True)
class RemoteFile:
    """One file of a model at its source."""

    path: str
    """Path inside the model's folder."""
    url: str = field(repr=False)
    size: int | None
    """In bytes; None = unknown until the source answers a request."""
    digest: Digest | None
    """None only while a pin is written: nothing is published without a hash."""


class Source(Protocol):
    """Where a model is. Several threads use a source at once."""

    @property
    def uri(self) -> str:
        """The URI as users write it."""
        ...

    @property
    def single(self) -> str | None:
        """The file's name if the URI names one file; None if it names a folder."""
        ...

    def url_of(self, path: str) -> str:
        """Return the URL of a file of the model."""
        ...

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers that authorize GET of a URL at the source's own server."""
        ...

    def hashed_files(self) -> list[RemoteFile] | None:
        """Return the files with the source's own hashes, or None if the source states none."""
        ...

    def all_files(self) -> list[RemoteFile]:
        """Return the files, with or without hashes, to pin a model; :mod:`loader.pin` computes missing hashes."""
        ...

    @property
    def version(self) -> dict[str, str]:
        """What the source resolved the URI to, for example the commit; known after the first request."""
        ...


def safe_path(path: str, where: str) -> str:
    """Return a path that stays inside the model's folder.

    Raises:
        LoaderError: the path is absolute, leaves the folder, or contains control characters.
    """
    parts = path.split("/")
    if not _PATH.fullmatch(path) or any(part in ("", ".", "..") for part in parts):
        raise LoaderError(f"{where}: {path[:80]!r} is not a path inside the model's folder; correct the list of files")
    return path


def read_sums(text: str, where: str) -> dict[str, str]:
    """Parse the output format of sha256sum into a mapping from path to hex digest.

    Raises:
        LoaderError: a line is malformed, no file is listed, or a path points outside the folder.
    """
    sums: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, path = line.partition("  ")
        if not is_sha256(digest) or not path:
            raise LoaderError(f"{where}: {line[:80]!r} is not a sha256sum line; use '<64 hex digits>  <path>'")
        sums[safe_path(path, where)] = digest.lower()
    if not sums:
        raise LoaderError(f"{where}: lists no file; create it with sha256sum")
    refuse_nested(sums, where)
    return sums


def is_sha256(text: str) -> bool:
    """Return whether a text is a SHA-256 in hex."""
    return len(text) == _SHA256_LENGTH and all(sign in "0123456789abcdefABCDEF" for sign in text)


def refuse_nested(paths: Iterable[str], where: str) -> None:
    """Raise LoaderError if a path is both a file and a folder."""
    names = set(paths)
    for path in names:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if (folder := "/".join(parts[:depth])) in names:
                raise LoaderError(f"{where}: {folder!r} is a file and a folder; correct the list of files")
