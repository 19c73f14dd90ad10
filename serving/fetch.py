"""The init container: fetch a model, verify it, and only then put it where the server reads it.

`python -m serving.fetch <uri> <destination> [--checksum sha256:<hex of SHA256SUMS>] [--cache <folder>]`
"""

import argparse
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from serving.identity import Identity
from serving.models.cache import INCOMING, entry_of, holds, keep
from serving.models.checksums import SUMS_FILE, ChecksumError, file_digest, read_sums, verify
from serving.telemetry.logs import configure, with_fields

PREFIX = "sha256:"
PAUSES_SECONDS = (1.0, 2.0, 4.0)

log = logging.getLogger("slipway.fetch")


class FetchError(RuntimeError):
    """The model was not fetched; the message is one line."""


class SourceUnreachableError(FetchError):
    """The source of the model does not answer; it may recover."""


# Copies one named file of the model to a path.
Source = Callable[[str, Path], None]


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch; the field names are those of the last log line."""

    uri: str
    checksum: str
    files: int
    bytesFetched: int  # noqa: N815 - the log line's name
    fromCache: bool  # noqa: N815


def fetch(uri: str, destination: Path, checksum: str | None = None, cache: Path | None = None) -> Fetched:
    """Put a model into a folder, from the cache if possible, and verify every byte.

    All files are verified in a temporary folder before any file is replaced, and SHA256SUMS is put in place last. At
    any moment the server therefore sees either a model that verifies or none. A URI is never reused for another
    model, so a cached model is used without asking the source.

    Raises:
        FetchError: the URI is invalid, a file cannot be read or written, or a checksum does not match.
    """
    entry = entry_of(cache, uri) if cache else None
    try:
        cached = entry if entry and holds(entry) and _matches(entry, checksum) else None
        destination.mkdir(parents=True, exist_ok=True)
        for left in destination.glob(f"{INCOMING}*"):  # by a container that was killed; no other process writes here
            shutil.rmtree(left, ignore_errors=True)
        # The folder is inside the destination, which is a mount point: a rename must not cross file systems.
        with tempfile.TemporaryDirectory(prefix=INCOMING, dir=destination) as folder:
            incoming = Path(folder)
            names = _collect(uri, _copier(cached) if cached else _source(uri), incoming, checksum)
            size = sum((incoming / name).stat().st_size for name in [*names, SUMS_FILE])
            if entry and not cached:
                keep(entry, incoming)
            found = PREFIX + file_digest(incoming / SUMS_FILE)
            _install(incoming, destination, names)
    except ChecksumError as error:
        raise FetchError(f"{uri}: {error}") from error
    except (OSError, ValueError) as error:
        raise FetchError(f"{uri} to {destination}: {error}") from error
    return Fetched(uri, found, len(names), 0 if cached else size, cached is not None)


def _collect(uri: str, source: Source, incoming: Path, checksum: str | None) -> list[str]:
    source(SUMS_FILE, incoming / SUMS_FILE)
    if not _matches(incoming, checksum):
        found = PREFIX + file_digest(incoming / SUMS_FILE)
        raise FetchError(f"{uri}: {SUMS_FILE} is {found}, but {checksum} is required; correct the model or the pin")
    sums = read_sums((incoming / SUMS_FILE).read_text(encoding="utf-8"), f"{uri}/{SUMS_FILE}")
    for name in sums:
        source(name, incoming / name)
    verify(incoming)
    return list(sums)


def _install(incoming: Path, destination: Path, names: list[str]) -> None:
    (destination / SUMS_FILE).unlink(missing_ok=True)
    for name in [*names, SUMS_FILE]:
        (incoming / name).replace(destination / name)


def _matches(folder: Path, checksum: str | None) -> bool:
    return checksum is None or PREFIX + file_digest(folder / SUMS_FILE) == checksum


def _source(uri: str) -> Source:
    parts = urlsplit(uri)
    opener = SCHEMES.get(parts.scheme)
    if opener is None:
        raise FetchError(f"{uri}: scheme '{parts.scheme}' is not supported; use one of {', '.join(sorted(SCHEMES))}")
    return opener(uri)


def _folder(uri: str) -> Source:
    parts = urlsplit(uri)
    if parts.netloc or not parts.path.startswith("/"):
        raise FetchError(f"{uri}: is not a local folder; use file:///absolute/path")
    return _copier(Path(unquote(parts.path)))


def _copier(folder: Path) -> Source:
    def copy(name: str, to: Path) -> None:
        shutil.copyfile(folder / name, to)

    return copy


def _object_storage(uri: str) -> Source:
    # boto3 takes most of a second to import, and a model from the cache or a local folder does not need it.
    from serving.models.object_storage import ObjectStorageError, StorageUnreachableError, open_bucket  # noqa: PLC0415

    def download(name: str, to: Path) -> None:
        try:
            bucket.download(name, to)
        except StorageUnreachableError as error:
            raise SourceUnreachableError(str(error)) from error
        except ObjectStorageError as error:
            raise FetchError(str(error)) from error

    try:
        bucket = open_bucket(uri)
    except ObjectStorageError as error:
        raise FetchError(str(error)) from error
    return download


# Maps each URI scheme to the function that opens its source.
SCHEMES: dict[str, Callable[[str], Source]] = {"file": _folder, "s3": _object_storage}


def main(arguments: list[str]) -> int:
    """Run as a command: return 0 with one JSON line on stdout, 1 with one line on stderr, or 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m serving.fetch", description=__doc__)
    parser.add_argument("uri", help="file:///folder or s3://bucket/prefix")
    parser.add_argument("destination", type=Path, help="folder that the server reads")
    parser.add_argument("--checksum", type=_checksum, help="sha256:<hex> of the model's SHA256SUMS file")
    parser.add_argument("--cache", type=Path, help="folder of models that survives the pod")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0)
    configure(Identity.from_environment(os.environ), "info")
    began = time.perf_counter()
    try:
        fetched = with_retries(lambda: fetch(given.uri, given.destination, given.checksum, given.cache))
    except FetchError as error:
        sys.stderr.write(f"fetch: {error}\n")
        return 1
    seconds = round(time.perf_counter() - began, 3)
    log.info("model in place", extra=with_fields(**asdict(fetched), seconds=seconds))
    return 0


def with_retries(attempt: Callable[[], Fetched]) -> Fetched:
    """Retry a few times while the source does not answer, because the kubelet waits at least 10 s before a restart.

    Raises:
        FetchError: the last attempt failed, or the fault is one that a retry cannot fix.
    """
    for pause in PAUSES_SECONDS:
        try:
            return attempt()
        except SourceUnreachableError as error:
            log.warning("%s; retrying in %g s", error, pause)
            time.sleep(pause)
    return attempt()


def _checksum(text: str) -> str:
    if not re.fullmatch(PREFIX + "[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a checksum; use sha256:<64 hex digits>")
    return text.lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
