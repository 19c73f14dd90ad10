"""Reads and damages models in the embedded object storage through its S3 API."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import boto3
from botocore.config import Config

BUCKET = "models"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Models:
    """The bucket with the stacks' models."""

    client: Any

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Models":
        """Connect with the credentials that `make env` exports."""
        client = cast("Any", boto3).client(
            "s3",
            endpoint_url=env["SLIPWAY_S3_ENDPOINT"],
            region_name="us-east-1",
            aws_access_key_id=env["SLIPWAY_S3_ACCESS_KEY"],
            aws_secret_access_key=env["SLIPWAY_S3_SECRET_KEY"],
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )
        return cls(client)

    def files(self, prefix: str) -> dict[str, bytes]:
        """Return the objects below a prefix, by their names below it."""
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/").get("Contents", [])
        return {item["Key"].removeprefix(f"{prefix}/"): self._read(item["Key"]) for item in listed}

    def put(self, prefix: str, files: Mapping[str, bytes]) -> None:
        """Write objects below a prefix, and overwrite existing ones."""
        for name, content in files.items():
            self.client.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=content)

    def delete(self, prefix: str) -> None:
        """Delete all objects below a prefix."""
        for name in self.files(prefix):
            self.client.delete_object(Bucket=BUCKET, Key=f"{prefix}/{name}")

    def checksum(self, prefix: str) -> str:
        """Return the model's checksum as a release pins it."""
        return f"sha256:{hashlib.sha256(self.files(prefix)[SUMS]).hexdigest()}"

    def _read(self, key: str) -> bytes:
        return cast("bytes", self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def uri(prefix: str) -> str:
    """Return the URI of a model."""
    return f"s3://{BUCKET}/{prefix}"
