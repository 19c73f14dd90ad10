"""The location of a service's model, and how the model gets into the pod."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.quantity import Bytes
from models.storage import ModelCache
from models.vocabulary import Checksum, MountPath, Name, digest_reference

Scheme = Literal["file", "s3", "pvc", "oci"]

_FORMS = {
    "file": re.compile(r"file:///[^\s?#]+"),
    "s3": re.compile(r"s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]/[^\s?#]*[^\s?#/]"),
    "pvc": re.compile(r"pvc://[a-z]([-a-z0-9]*[a-z0-9])?(/(?!\.\.?(/|$))[^\s?#/:]+)*"),
}


def _uri(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme == "oci":
        digest_reference(rest)
    elif scheme not in _FORMS or not _FORMS[scheme].fullmatch(value):
        raise ValueError(
            "a model URI has the form file:///folder (in the image), s3://bucket/prefix, pvc://volume/folder or "
            "oci://repository@sha256:<64 hex>"
        )
    return value


ModelUri = Annotated[str, AfterValidator(_uri)]


class ModelVersion(Model):
    """One immutable model. The content behind a URI never changes; a different model has a different URI."""

    uri: ModelUri = Field(examples=["s3://models/digits/1"])
    checksum: Checksum | None = Field(
        default=None,
        description="SHA-256 of the model's SHA256SUMS file; none = files are checked against that file only",
    )

    @property
    def scheme(self) -> Scheme:
        """The URI's scheme, which decides how the model gets into the pod: fetched (file, s3) or mounted (pvc, oci)."""
        return self.uri.partition("://")[0]  # pyright: ignore[reportReturnType] -- validated

    @property
    def fetched(self) -> bool:
        """Whether an init container copies the model to a volume of the pod."""
        return self.scheme in ("file", "s3")

    @property
    def claim(self) -> tuple[str, str]:
        """The volume of a ``pvc://`` model, and the folder in that volume."""
        volume, _, folder = self.uri.removeprefix("pvc://").partition("/")
        return volume, folder

    @model_validator(mode="after")
    def _checked_when_fetched(self) -> Self:
        if self.checksum and not self.fetched:
            raise ValueError(
                f"checksum applies only to models that are fetched, but {self.scheme}:// is mounted"
                + (", and its digest is in the URI; remove it" if self.scheme == "oci" else "; remove it")
            )
        return self


class ModelSource(ModelVersion):
    """A service's model: its version, how it is fetched, and where the server finds it."""

    name: Name = Field(description="the model's name in the Open Inference Protocol", examples=["digits"])
    path: MountPath = Field(default="/models", description="mount path of the model in the server's container")
    size: Bytes = Field(default="128Mi", description="size of the pod's volume for a fetched model")
    cache: ModelCache | None = Field(default=None, description="none = every pod fetches the model itself")
    secrets: tuple[Name, ...] = Field(default=(), description="keys under secrets that only the init container gets")

    @model_validator(mode="after")
    def _cached_when_fetched(self) -> Self:
        if self.cache and not self.fetched:
            raise ValueError(
                f"cache applies only to models that are fetched, but {self.scheme}:// is mounted; remove it"
            )
        if self.cache and self.cache.path == self.path:
            raise ValueError(f"cache.path and path are both {self.path}; choose another folder for the cache")
        return self

    def at(self, version: ModelVersion | None) -> "ModelSource":
        """Return this source with another version of the model."""
        if version is None:
            return self
        return ModelSource.model_validate({**dict(self), "uri": version.uri, "checksum": version.checksum})
