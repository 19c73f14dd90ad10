"""Object storage with the S3 interface, to publish models to and fetch them from.

Endpoint, region and credentials come from the standard variables (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY). boto3 itself retries when a request is lost or the server is busy.
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
# Concurrent parts of 8 MB each: an init container has little memory.
_PARTS_AT_ONCE = 2
_MISSING = {"404", "NoSuchKey", "NotFound"}
# The last code is versitygw's for an unknown access key.
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
    """Object storage did not carry out the request; the message is one line."""


class StorageUnreachableError(ObjectStorageError):
    """The endpoint does not answer; it may recover."""


class MissingObjectError(ObjectStorageError):
    """The object does not exist."""


class ObjectExistsError(ObjectStorageError):
    """An object with this name already exists."""


@dataclass(frozen=True)
class Bucket:
    """A location in object storage, `s3://<bucket>/<prefix>`; object names are relative to it."""

    client: Any
    name: str
    prefix: str

    @property
    def uri(self) -> str:
        """The URI as users write it."""
        return f"s3://{self.name}/{self.prefix}"

    def download(self, name: str, to: Path) -> None:
        """Write an object to a file.

        Raises:
            ObjectStorageError: one line that names the object and the reason.
        """
        with self._one_line(name):
            transfer = TransferConfig(max_concurrency=_PARTS_AT_ONCE)
            self.client.download_file(self.name, self._key(name), str(to), Config=transfer)

    def upload(self, name: str, content: Path) -> None:
        """Write a file to an object and replace an existing one.

        Raises:
            ObjectStorageError: one line that names the object and the reason.
        """
        with self._one_line(name):
            self.client.upload_file(
                str(content), self.name, self._key(name), Config=TransferConfig(max_concurrency=_PARTS_AT_ONCE)
            )

    def create(self, name: str, content: bytes) -> None:
        """Write an object that must not exist yet.

        Raises:
            ObjectExistsError: the object exists.
            ObjectStorageError: one line that names the object and the reason.
        """
        with self._one_line(name):
            self.client.put_object(Bucket=self.name, Key=self._key(name), Body=content, IfNoneMatch="*")

    def read(self, name: str) -> bytes | None:
        """Return the content of a small object, or None if it does not exist.

        Raises:
            ObjectStorageError: one line that names the object and the reason.
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
                f"{where}: credentials are missing; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from error
        except (BotoConnectionError, HTTPClientError) as error:
            raise StorageUnreachableError(
                f"{where}: object storage at {endpoint} cannot be reached ({_root(error)}); "
                "check AWS_ENDPOINT_URL and that the storage is running"
            ) from error
        except (BotoCoreError, Boto3Error) as error:
            # An upload error wraps the response that caused it.
            if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError):
                raise _refused(where, endpoint, error.__context__) from error
            raise ObjectStorageError(
                f"{where}: object storage at {endpoint} failed ({_reason(error)}); check its log"
            ) from error


def open_bucket(uri: str) -> Bucket:
    """Return the location that an s3:// URI names, without sending a request.

    Raises:
        ObjectStorageError: the URI is not an s3:// URI, or the AWS_* variables are invalid.
    """
    parts = urlsplit(uri)
    prefix = parts.path.strip("/")
    if parts.scheme != "s3" or not parts.netloc or not prefix or parts.query or parts.fragment:
        raise ObjectStorageError(f"{uri}: is not an object storage URI; use s3://bucket/prefix")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        s3={"addressing_style": "path"},  # servers other than Amazon's rarely have a host name per bucket
        # Use the newer checksums only where the API requires them: SHA256SUMS verifies the content anyway.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        # A separate session: boto3's shared session keeps the first credentials it used. The region is passed
        # explicitly, because boto3 itself reads AWS_DEFAULT_REGION only.
        session = cast("Any", boto3).session.Session()
        client = session.client("s3", config=config, region_name=os.environ.get("AWS_REGION"))
    except (BotoCoreError, ValueError) as error:
        raise ObjectStorageError(
            f"{uri}: cannot create a client ({_reason(error)}); check the AWS_* variables"
        ) from error
    return Bucket(client, parts.netloc, prefix)


def _refused(where: str, endpoint: str, refusal: ClientError) -> ObjectStorageError:
    error = cast("Any", refusal).response.get("Error", {})
    code = str(error.get("Code", "unknown"))
    if code in _MISSING:
        return MissingObjectError(
            f"{where}: the object does not exist at {endpoint}; check the URI and that it is published"
        )
    if code == "NoSuchBucket":
        return ObjectStorageError(f"{where}: the bucket does not exist at {endpoint}; check the URI or create it")
    if code in _EXISTS:
        return ObjectExistsError(f"{where}: already exists")
    if code in _REFUSED:
        return ObjectStorageError(
            f"{where}: {endpoint} rejected the credentials ({code}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
            "and their permissions"
        )
    return ObjectStorageError(
        f"{where}: {endpoint} answered {code} ({_reason(error.get('Message', ''))}); check its log"
    )


def _root(error: BaseException) -> str:
    """Return the operating system's error text, found below the layers of the client library."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return _reason(error)


def _reason(said: object) -> str:
    return " ".join(str(said).split())[:200]
