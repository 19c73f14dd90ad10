"""The manifest of a model: which files it has, and the hash that proves each. `slipway model pin` writes it."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.vocabulary import Text

MOST_BYTES = 100_000
"""The pod hands the manifest to the loader in one variable, and Linux limits a variable to 128 KiB."""
_PATH = re.compile(r"[^\x00-\x1f\x7f\\$]{1,1024}")


def _path(value: str) -> str:
    if not _PATH.fullmatch(value) or any(part in ("", ".", "..") for part in value.split("/")):
        raise ValueError("a file's path stays inside the model's folder, without control characters, '\\' or '$'")
    return value


def _sha256(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise ValueError("a SHA-256 has 64 lowercase hex digits; pin the model again")
    return value


FilePath = Annotated[str, AfterValidator(_path)]
Sha256 = Annotated[str, AfterValidator(_sha256)]


class PinnedFile(Model):
    """One file of a model."""

    size: int = Field(ge=0, le=1 << 50, description="bytes")
    sha256: Sha256 = Field(description="64 hex digits")


class ModelManifest(Model):
    """The files of a model at one URI. The loader fetches these and no others."""

    uri: Text = Field(description="the model's URI; model.uri must be the same")
    version: dict[str, Text] = Field(
        default_factory=dict, description="what the source resolved the URI to, such as commit or digest"
    )
    files: dict[FilePath, PinnedFile] = Field(min_length=1, description="by path inside the model's folder")

    @model_validator(mode="after")
    def _fits_a_variable(self) -> Self:
        if (size := len(self.lines.encode())) > MOST_BYTES:
            raise ValueError(
                f"the manifest of {len(self.files)} files has {size:,} bytes, but the limit is {MOST_BYTES:,}; publish "
                "SHA256SUMS with the model instead"
            )
        for path in self.files:
            if folder := next((one for one in self.files if path.startswith(f"{one}/")), None):
                raise ValueError(f"{folder} is a file and a folder; remove one")
        return self

    @property
    def lines(self) -> str:
        """The manifest as the loader reads it."""
        return "".join(f"{one.sha256} {one.size} {path}\n" for path, one in sorted(self.files.items()))
