"""Publish a model folder to object storage: `python -m serving.publish <folder> s3://bucket/prefix`.

A URI names one model permanently: pods cache by URI, and a rollback must find the same model again.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from serving.models.checksums import SUMS_FILE, ChecksumError, verify
from serving.models.object_storage import Bucket, ObjectExistsError, ObjectStorageError, open_bucket


class PublishError(RuntimeError):
    """The model was not published; the message is one line."""


@dataclass(frozen=True)
class Published:
    """The result of a publication; the field names are the keys of the result line."""

    uri: str
    checksum: str
    bytesUploaded: int  # noqa: N815 - the result line's name
    alreadyThere: bool  # noqa: N815


def publish(folder: Path, uri: str) -> Published:
    """Upload a verified model, SHA256SUMS last, so that a concurrent reader finds no model rather than a partial one.

    Files of an interrupted publication are overwritten; a complete model is never overwritten.

    Raises:
        PublishError: the folder fails verification, the URI holds another model, or object storage refuses.
    """
    try:
        names = verify(folder)
        sums = (folder / SUMS_FILE).read_bytes()
        bucket = open_bucket(uri)
        if _is_there(bucket, sums):
            return Published(uri, _checksum(sums), 0, alreadyThere=True)
        for name in names:
            bucket.upload(name, folder / name)
        try:
            bucket.create(SUMS_FILE, sums)
        except ObjectExistsError:  # another publisher was faster; accept only the same model
            _is_there(bucket, sums)
    except (ChecksumError, ObjectStorageError) as error:
        raise PublishError(str(error)) from error
    size = len(sums) + sum((folder / name).stat().st_size for name in names)
    return Published(uri, _checksum(sums), size, alreadyThere=False)


def _is_there(bucket: Bucket, sums: bytes) -> bool:
    found = bucket.read(SUMS_FILE)
    if found is not None and found != sums:
        raise PublishError(
            f"{bucket.uri}: contains another model ({_checksum(found)}); models are never overwritten, "
            "publish under a new version"
        )
    return found is not None


def _checksum(sums: bytes) -> str:
    return f"sha256:{sha256(sums).hexdigest()}"


def main(arguments: list[str]) -> int:
    """Run as a command: return 0 with one JSON line on stdout, or 1 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m serving.publish", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder with the model's files and SHA256SUMS")
    parser.add_argument("uri", help="s3://bucket/prefix")
    given = parser.parse_args(arguments)
    try:
        published = publish(given.folder, given.uri)
    except PublishError as error:
        sys.stderr.write(f"publish: {error}\n")
        return 1
    sys.stdout.write(json.dumps(asdict(published)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
