"""The manifest of a model: size and SHA-256 of each file, as `slipway model pin` writes it into the catalogue.

The pod passes it to the loader as lines of `<sha256> <bytes> <path>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from loader.errors import LoaderError
from loader.files import is_sha256, refuse_nested, safe_path

VARIABLE = "MODEL_MANIFEST"
"""The environment variable that holds the lines."""


@dataclass(frozen=True)
class Pinned:
    """One file of a manifest."""

    sha256: str
    size: int


def read(text: str) -> dict[str, Pinned]:
    """Parse the lines of a manifest into files by path.

    Raises:
        LoaderError: a line is malformed, or no file is listed.
    """
    files: dict[str, Pinned] = {}
    for line in text.splitlines():
        digest, _, rest = line.partition(" ")
        size, _, path = rest.partition(" ")
        if not is_sha256(digest) or not size.isdecimal() or not path:
            raise LoaderError(f"manifest: {line[:80]!r} is not '<sha256> <bytes> <path>'; pin the model again")
        files[safe_path(path, "manifest")] = Pinned(digest.lower(), int(size))
    if not files:
        raise LoaderError("manifest: lists no file; pin the model again")
    refuse_nested(files, "manifest")
    return files


def lines(files: Mapping[str, Pinned]) -> str:
    """Return the lines of a manifest, sorted by path."""
    return "".join(f"{one.sha256} {one.size} {path}\n" for path, one in sorted(files.items()))
