"""SHA256SUMS beside a model proves that every byte of the model arrived."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

SUMS_FILE = "SHA256SUMS"
_DIGEST_LENGTH = 64


class ChecksumError(ValueError):
    """A folder's content does not match its SHA256SUMS; the message is one line."""


def read_sums(text: str, where: str) -> dict[str, str]:
    """Parse the output format of sha256sum into a mapping from file name to hex digest.

    Raises:
        ChecksumError: a line is malformed, no file is listed, or a name points outside the folder.
    """
    sums: dict[str, str] = {}
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) != _DIGEST_LENGTH or not name:
            raise ChecksumError(f"{where}: {line[:80]!r} is not a sha256sum line; use '<64 hex digits>  <file name>'")
        if Path(name).name != name or name in {SUMS_FILE, ".", ".."}:
            raise ChecksumError(f"{where}: {name!r} is not a plain file name; list only files of the same folder")
        sums[name] = digest.lower()
    if not sums:
        raise ChecksumError(f"{where}: lists no file; create it with sha256sum")
    return sums


def verify(folder: Path) -> dict[str, str]:
    """Check every file that the folder's SHA256SUMS lists, and return the sums.

    Raises:
        ChecksumError: SHA256SUMS or a listed file is missing or unreadable, or a file's content differs.
    """
    where = folder / SUMS_FILE
    try:
        sums = read_sums(where.read_text(encoding="utf-8"), str(where))
    except OSError as error:
        raise ChecksumError(f"{where}: cannot be read ({error.strerror}); the folder has no complete model") from error
    except UnicodeDecodeError as error:
        raise ChecksumError(f"{where}: is not text; create it with sha256sum") from error
    for name, expected in sums.items():
        found = file_digest(folder / name)
        if found != expected:
            raise ChecksumError(
                f"{folder / name}: SHA-256 is {found[:12]}…, but SHA256SUMS lists {expected[:12]}…; fetch it again"
            )
    return sums


def file_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file.

    Raises:
        ChecksumError: the file cannot be read.
    """
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise ChecksumError(
            f"{path}: cannot be read ({error.strerror}), but SHA256SUMS lists it; fetch the model again"
        ) from error


def write_sums(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files and then their SHA256SUMS: a folder without SHA256SUMS is incomplete."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items())]
    (folder / SUMS_FILE).write_text("".join(lines), encoding="utf-8")
