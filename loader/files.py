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
    """The hash that proves a file. Git hashes a file of its own (a "blob") together with its length."""

    kind: Literal["sha256", "git"]
    hex: str


class Hash:
    """Computes the SHA-256 of a file, and Git's hash beside it if that is what the source states."""

    def __init__(self, expected: Digest | None, size: int | None) -> None:
        self._sha256 = hashlib.sha256()
        self._git: Any = None
        if expected and expected.kind == "git":
            self._git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        self._sha256.update(data)
        if self._git:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        """The hex SHA-256 of the bytes so far."""
        return self._sha256.hexdigest()

    def found(self, expected: Digest) -> str:
        """Return the hex hash of the expected kind."""
        return self._git.hexdigest() if expected.kind == "git" else self.sha256


@dataclass(frozen=True)
class RemoteFile:
    """One file of a model at its source."""

    path: str
    """Path inside the model's folder."""
    url: str = field(repr=False)
    size: int | None
    """In bytes; None = the source must be asked."""
    digest: Digest | None
    """None only while a pin is written: nothing is published without a hash."""


class Source(Protocol):
    """Where a model is. Several threads use a source at once."""

    @property
    def uri(self) -> str:
        """The URI as users write it."""
        ...

    def at(self, path: str) -> str:
        """Return the URL of a file of the model."""
        ...

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the headers that authorize a request; empty for another server than the source's own."""
        ...

    def listed(self) -> list[RemoteFile] | None:
        """Return the files with the source's own hashes, or None if the source states none."""
        ...

    def found(self) -> list[RemoteFile]:
        """Return the files to pin. Those without a hash are hashed by :mod:`loader.pin`."""
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
