"""Published models on disk, and a function to fetch one in this process."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from loader import manifest
from loader.fetch import Fetched, Request, fetch

FILES = {"model.onnx": b"weights " * 2_000, "tokenizer/vocab.txt": b"one\ntwo\n", "empty.txt": b""}


def publish(folder: Path, files: Mapping[str, bytes] = FILES, *, sums: bool = True) -> Path:
    """Write the files of a model and, unless told otherwise, their SHA256SUMS."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if sums:
        lines = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
        (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")
    return folder


def checksum_of(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def manifest_of(files: Mapping[str, bytes]) -> str:
    pinned = {
        name: manifest.Pinned(hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()
    }
    return manifest.lines(pinned)


def fetched(uri: str, store: Path, environment: Mapping[str, str] | None = None, **changes: object) -> Fetched:
    request = Request(**{"uri": uri, "store": store, "name": "tiny", **changes})  # pyright: ignore[reportArgumentType]
    return fetch(request, environment or {})


def content(folder: Path) -> dict[str, bytes]:
    """The files of a folder by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
