"""The init container: fetch a model, prove it, and only then put it where the server looks.

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
    """Nothing answers where the model is; it may come back."""


# Reads one file of the model into a path.
Source = Callable[[str, Path], None]


@dataclass(frozen=True)
class Fetched:
    """What a fetch did; the names are those of the last log line."""

    uri: str
    checksum: str
    files: int
    bytesFetched: int  # noqa: N815 - the log line's name
    fromCache: bool  # noqa: N815


def fetch(uri: str, destination: Path, checksum: str | None = None, cache: Path | None = None) -> Fetched:
    """Put a model into a folder, from the cache if that has it, and prove every byte.

    Everything is verified in a folder beside the target before any file is replaced, and SHA256SUMS is put in place
    last: whatever happens in between, the server sees a model that proves itself or none. A URI is never reused for
    another model, so what the cache holds for it needs no question to the source.

    Raises:
        FetchError: the URI's scheme is unknown, a file cannot be read or written, or a checksum does not match.
    """
    entry = entry_of(cache, uri) if cache else None
    cached = entry if entry and holds(entry) and _is(entry, checksum) else None
    try:
        destination.mkdir(parents=True, exist_ok=True)
        for left in destination.glob(f"{INCOMING}*"):  # by a container that was killed; nobody else writes here
            shutil.rmtree(left, ignore_errors=True)
        # Inside the destination, which is a mount point: a rename must not cross file systems.
        with tempfile.TemporaryDirectory(prefix=INCOMING, dir=destination) as folder:
            incoming = Path(folder)
            names = _collect(uri, _copier(cached) if cached else _source(uri), incoming, checksum)
            size = sum((incoming / name).stat().st_size for name in [*names, SUMS_FILE])
            if entry and not cached:
                keep(entry, incoming)
            found = PREFIX + file_digest(incoming / SUMS_FILE)
            _put(incoming, destination, names)
    except ChecksumError as error:
        raise FetchError(f"{uri}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(f"{uri} to {destination}: {error}") from error
    return Fetched(uri, found, len(names), 0 if cached else size, cached is not None)


def _collect(uri: str, source: Source, incoming: Path, checksum: str | None) -> list[str]:
    source(SUMS_FILE, incoming / SUMS_FILE)
    if not _is(incoming, checksum):
        found = PREFIX + file_digest(incoming / SUMS_FILE)
        raise FetchError(f"{uri}: {SUMS_FILE} is {found}, {checksum} is wanted; another model is there, or another pin")
    sums = read_sums((incoming / SUMS_FILE).read_text(encoding="utf-8"), f"{uri}/{SUMS_FILE}")
    for name in sums:
        source(name, incoming / name)
    verify(incoming)
    return list(sums)


def _put(incoming: Path, destination: Path, names: list[str]) -> None:
    (destination / SUMS_FILE).unlink(missing_ok=True)
    for name in [*names, SUMS_FILE]:
        (incoming / name).replace(destination / name)


def _is(folder: Path, checksum: str | None) -> bool:
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
        raise FetchError(f"{uri}: is no local folder; write file:///absolute/path")
    return _copier(Path(unquote(parts.path)))


def _copier(folder: Path) -> Source:
    def copy(name: str, to: Path) -> None:
        shutil.copyfile(folder / name, to)

    return copy


def _object_storage(uri: str) -> Source:
    # boto3 takes most of a second to import, and a model that is in the cache or in a folder needs none of it.
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


# How to read a model, by the URI's scheme.
SCHEMES: dict[str, Callable[[str], Source]] = {"file": _folder, "s3": _object_storage}


def main(arguments: list[str]) -> int:
    """Run as a command: exit code 0 and one JSON line on stdout; 1 with one line on stderr; 2 for wrong usage."""
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
        fetched = patiently(lambda: fetch(given.uri, given.destination, given.checksum, given.cache))
    except FetchError as error:
        sys.stderr.write(f"fetch: {error}\n")
        return 1
    seconds = round(time.perf_counter() - began, 3)
    log.info("model in place", extra=with_fields(**asdict(fetched), seconds=seconds))
    return 0


def patiently(attempt: Callable[[], Fetched]) -> Fetched:
    """Try again while nothing answers at the source, a few times: the kubelet's own pauses start at 10 s.

    Raises:
        FetchError: the last attempt's, or one that no pause would cure.
    """
    for pause in PAUSES_SECONDS:
        try:
            return attempt()
        except SourceUnreachableError as error:
            log.warning("%s; trying again in %g s", error, pause)
            time.sleep(pause)
    return attempt()


def _checksum(text: str) -> str:
    if not re.fullmatch(PREFIX + "[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no checksum; write sha256:<64 hex digits>")
    return text.lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
