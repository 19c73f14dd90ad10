"""Object storage with the S3 interface: where models are published and fetched from.

Endpoint, region and credentials come from the standard variables (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY). boto3 itself tries again when a request gets lost or the server is busy.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error, S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

ATTEMPTS = 3
CONNECT_SECONDS = 3
READ_SECONDS = 20
# Parts in flight, of 8 MB each: an init container is given little memory.
_PARTS_AT_ONCE = 2
_MISSING = {"404", "NoSuchKey", "NotFound"}
# The last is versitygw's word for an unknown access key.
_REFUSED = {
    "401",
    "403",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "XAdminUserNotFound",
}
_EXISTS = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}


class ObjectStorageError(RuntimeError):
    """Object storage did not do what was asked; the message is one line."""


class StorageUnreachableError(ObjectStorageError):
    """Nothing answers at the endpoint; it may come back."""


class MissingObjectError(ObjectStorageError):
    """There is no such object."""


class ObjectExistsError(ObjectStorageError):
    """There is an object of that name already."""


@dataclass(frozen=True)
class Bucket:
    """A place in object storage: `s3://<bucket>/<prefix>`; objects are named relative to it."""

    client: Any
    name: str
    prefix: str

    @property
    def uri(self) -> str:
        """How users write it."""
        return f"s3://{self.name}/{self.prefix}"

    def download(self, name: str, to: Path) -> None:
        """Write an object to a file.

        Raises:
            ObjectStorageError: one line that says which object, and why not.
        """
        with self._one_line(name):
            transfer = TransferConfig(max_concurrency=_PARTS_AT_ONCE)
            self.client.download_file(self.name, self._key(name), str(to), Config=transfer)

    def upload(self, name: str, content: Path) -> None:
        """Write a file to an object, whether or not there is one.

        Raises:
            ObjectStorageError: one line that says which object, and why not.
        """
        with self._one_line(name):
            self.client.upload_file(
                str(content), self.name, self._key(name), Config=TransferConfig(max_concurrency=_PARTS_AT_ONCE)
            )

    def create(self, name: str, content: bytes) -> None:
        """Write an object that must not exist yet.

        Raises:
            ObjectExistsError: it does.
            ObjectStorageError: one line that says which object, and why not.
        """
        with self._one_line(name):
            self.client.put_object(Bucket=self.name, Key=self._key(name), Body=content, IfNoneMatch="*")

    def read(self, name: str) -> bytes | None:
        """A small object's content; None if there is no such object.

        Raises:
            ObjectStorageError: one line that says which object, and why not.
        """
        try:
            with self._one_line(name):
                return cast("bytes", self.client.get_object(Bucket=self.name, Key=self._key(name))["Body"].read())
        except MissingObjectError:
            return None

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    @contextmanager
    def _one_line(self, name: str) -> Generator[None]:
        where = f"{self.uri}/{name}"
        endpoint = self.client.meta.endpoint_url
        try:
            yield
        except ClientError as error:
            raise _refused(where, endpoint, error) from error
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise ObjectStorageError(
                f"{where}: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error
        except (BotoConnectionError, HTTPClientError) as error:
            raise StorageUnreachableError(
                f"{where}: object storage at {endpoint} cannot be reached ({_root(error)}); "
                "check AWS_ENDPOINT_URL and that it runs"
            ) from error
        except (BotoCoreError, Boto3Error) as error:
            # An upload wraps the answer that it got.
            if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError):
                raise _refused(where, endpoint, error.__context__) from error
            raise ObjectStorageError(f"{where}: object storage at {endpoint} failed ({_reason(error)})") from error


def open_bucket(uri: str) -> Bucket:
    """The place that an s3:// URI names; nothing is asked yet.

    Raises:
        ObjectStorageError: it is no such URI, or the variables for boto3 cannot be used.
    """
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or not prefix or parts.query or parts.fragment:
        raise ObjectStorageError(f"{uri}: is no place in object storage; write s3://bucket/prefix")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        s3={"addressing_style": "path"},  # servers other than Amazon's seldom have a name per bucket
        # Newer checksums only where the interface asks for them: SHA256SUMS proves the content anyway.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        # A session of its own: boto3's shared one would keep the credentials that it was first used with.
        # The region is given, because boto3 by itself reads AWS_DEFAULT_REGION only.
        session = cast("Any", boto3).session.Session()
        client = session.client("s3", config=config, region_name=os.environ.get("AWS_REGION"))
    except (BotoCoreError, ValueError) as error:
        raise ObjectStorageError(f"{uri}: no client ({_reason(error)}); check the AWS_* variables") from error
    return Bucket(client, parts.netloc, prefix)


def _refused(where: str, endpoint: str, refusal: ClientError) -> ObjectStorageError:
    error = cast("Any", refusal).response.get("Error", {})
    code = str(error.get("Code", "unknown"))
    if code in _MISSING:
        return MissingObjectError(
            f"{where}: there is no such object at {endpoint}; check the URI and that it is published"
        )
    if code == "NoSuchBucket":
        return ObjectStorageError(f"{where}: there is no such bucket at {endpoint}; check the URI or create the bucket")
    if code in _EXISTS:
        return ObjectExistsError(f"{where}: exists already")
    if code in _REFUSED:
        return ObjectStorageError(
            f"{where}: {endpoint} refuses the credentials ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
            "and what they may do"
        )
    return ObjectStorageError(f"{where}: {endpoint} answered {code} ({_reason(error.get('Message', ''))})")


def _root(error: BaseException) -> str:
    """What the operating system said, below the layers of the client library."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return _reason(error)


def _reason(said: object) -> str:
    return " ".join(str(said).split())[:200]
