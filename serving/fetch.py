"""The init container: fetch a model, prove it, and only then put it where the server looks.

`python -m serving.fetch <uri> <destination folder>`
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from serving.checksums import SUMS_FILE, ChecksumError, read_sums, verify


class FetchError(RuntimeError):
    """The model was not fetched; the message is one line."""


# Reads one file of the model into a path.
Source = Callable[[str, Path], None]


def fetch(uri: str, destination: Path) -> int:
    """Copy the model into the folder and return the number of its files.

    Everything is verified in a folder beside the target before any file is replaced, and SHA256SUMS is put in place
    last: whatever happens in between, the server sees a model that proves itself or none.

    Raises:
        FetchError: the URI's scheme is unknown, a file cannot be read or written, or a checksum does not match.
    """
    source = _source(uri)
    try:
        destination.mkdir(parents=True, exist_ok=True)
        # Inside the destination, which is a mount point: a rename must not cross file systems.
        with tempfile.TemporaryDirectory(prefix=".incoming-", dir=destination) as folder:
            incoming = Path(folder)
            source(SUMS_FILE, incoming / SUMS_FILE)
            sums = read_sums((incoming / SUMS_FILE).read_text(encoding="utf-8"), f"{uri}/{SUMS_FILE}")
            for name in sums:
                source(name, incoming / name)
            verify(incoming)
            (destination / SUMS_FILE).unlink(missing_ok=True)
            for name in sums:
                (incoming / name).replace(destination / name)
            (incoming / SUMS_FILE).replace(destination / SUMS_FILE)
    except ChecksumError as error:
        raise FetchError(f"{uri}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(f"{uri} to {destination}: {error}") from error
    return len(sums)


def _source(uri: str) -> Source:
    parts = urlsplit(uri)
    opener = SCHEMES.get(parts.scheme)
    if opener is None:
        raise FetchError(f"{uri}: scheme '{parts.scheme}' is not supported; use one of {', '.join(sorted(SCHEMES))}")
    return opener(uri)


def _folder(uri: str) -> Source:
    parts = urlsplit(uri)
    if parts.netloc or not parts.path.startswith("/"):
        raise FetchError(f"{uri}: is no local folder; write file:///absolute/path")
    folder = Path(unquote(parts.path))

    def copy(name: str, to: Path) -> None:
        shutil.copyfile(folder / name, to)

    return copy


# How to read a model, by the URI's scheme.
SCHEMES: dict[str, Callable[[str], Source]] = {"file": _folder}


def main(arguments: list[str]) -> int:
    """Run as a command: exit code 0 after success, 1 with one line on stderr otherwise, 2 for wrong usage."""
    match arguments:
        case [uri, destination]:
            pass
        case _:
            sys.stderr.write("usage: python -m serving.fetch <uri> <destination folder>\n")
            return 2
    try:
        count = fetch(uri, Path(destination))
    except FetchError as error:
        sys.stderr.write(f"fetch: {error}\n")
        return 1
    sys.stdout.write(f"fetch: {count} files of {uri} verified in {destination}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
