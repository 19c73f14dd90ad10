"""The location of a service's model, and how the model gets into the pod."""

import hashlib
import json
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.manifest import ModelManifest
from models.quantity import Bytes
from models.storage import ModelCache
from models.vocabulary import Checksum, MountPath, Name, digest_reference

Scheme = Literal["file", "s3", "https", "hf", "pvc", "oci"]

_FORMS = {
    "file": re.compile(r"file:///[^\s?#]+"),
    "s3": re.compile(r"s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]/[^\s?#]*[^\s?#/]"),
    "https": re.compile(r"https://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:\d{1,5})?/[^\s?#@]+"),
    "hf": re.compile(r"hf://([A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*@[0-9a-f]{40}", re.ASCII),
    "pvc": re.compile(r"pvc://[a-z]([-a-z0-9]*[a-z0-9])?(/(?!\.\.?(/|$))[^\s?#/:]+)*"),
}


_READABLE = 60
"""Characters of a URI in the name of its folder."""


def _uri(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme == "oci":
        digest_reference(rest)
    elif scheme not in _FORMS or not _FORMS[scheme].fullmatch(value):
        raise ValueError(
            "a model URI has the form file:///folder (in the image), s3://bucket/prefix, https://host/folder/ (or a "
            "file), hf://organization/model@<40 hex digits of the commit>, pvc://volume/folder or "
            "oci://repository@sha256:<64 hex>"
        )
    return value


ModelUri = Annotated[str, AfterValidator(_uri)]


class ModelVersion(Model):
    """One immutable model. The content behind a URI never changes; a different model has a different URI."""

    uri: ModelUri = Field(description="location of the model", examples=["s3://models/digits/1"])
    checksum: Checksum | None = Field(
        default=None,
        description="SHA-256 of the model's SHA256SUMS file or, if an https:// URI names one file, of that file; "
        "none = files are checked against SHA256SUMS only",
    )
    manifest: ModelManifest | None = Field(
        default=None,
        description="files and hashes that `slipway model pin` recorded: the name of catalog/models/<name>.yaml, or "
        "the same fields here; the loader then needs no SHA256SUMS; none = SHA256SUMS, or the source's own hashes",
    )

    @property
    def scheme(self) -> Scheme:
        """The URI's scheme, which decides how the model gets into the pod."""
        return self.uri.partition("://")[0]  # pyright: ignore[reportReturnType] -- validated

    @property
    def fetched(self) -> bool:
        """Whether an init container copies the model to a volume of the pod."""
        return self.scheme not in ("pvc", "oci")

    @property
    def claim(self) -> tuple[str, str]:
        """The volume of a ``pvc://`` model, and the folder in that volume."""
        volume, _, folder = self.uri.removeprefix("pvc://").partition("/")
        return volume, folder

    @model_validator(mode="after")
    def _checked_when_fetched(self) -> Self:
        if self.checksum and self.manifest:
            raise ValueError("checksum and manifest both say what the model is; remove one")
        if self.checksum and self.scheme == "hf":
            raise ValueError("checksum does not apply to hf://, whose commit is in the URI; remove it")
        if self.manifest and self.manifest.uri != self.uri:
            raise ValueError(
                f"manifest is that of {self.manifest.uri}, not of {self.uri}; run slipway model pin {self.uri}"
            )
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
    loader: Name | None = Field(
        default=None,
        description="key under images of Slipway's loader, which fetches the model for any server; none = the model is "
        "mounted, or the service's own image fetches it",
        examples=["loader"],
    )
    external: Name | None = Field(
        default=None,
        description="server under slipway:externals that the loader fetches from; for hf://, its url is the hub's",
        examples=["hub"],
    )

    @property
    def fetched(self) -> bool:
        """Whether an init container fetches the model."""
        return super().fetched or (self.scheme == "oci" and self.loader is not None)

    @property
    def folder(self) -> str:
        """The model's folder in the loader's volume. A model with another URI or pin has another folder."""
        pin = self.manifest.lines if self.manifest else self.checksum
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", self.uri.partition("://")[2]).strip("-.")[-_READABLE:].lstrip("-.")
        return f"{readable}-{hashlib.sha256(json.dumps([self.uri, pin]).encode()).hexdigest()[:12]}"

    @model_validator(mode="after")
    def _loaded(self) -> Self:
        if self.loader is None:
            if self.scheme in ("https", "hf"):
                raise ValueError(
                    f"loader: required with {self.scheme}://; name the image of the loader, as in images.loader: "
                    "{context: loader}"
                )
            for field in ("manifest", "external"):
                if getattr(self, field) is not None:
                    raise ValueError(f"{field} is read by the loader; set loader, or remove {field}")
        elif self.scheme in ("file", "pvc"):
            where = "is mounted" if self.scheme == "pvc" else "is a folder of the service's own image"
            raise ValueError(f"loader does not apply to {self.scheme}://, which {where}; remove it")
        elif (self.external is None) != (self.scheme == "s3"):
            raise ValueError(
                "external does not apply to s3://, whose server is slipway:objectStorage; remove it"
                if self.external
                else f"external: required with {self.scheme}://, because other connections are denied; name a server "
                "under slipway:externals"
            )
        return self

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
        return ModelSource.model_validate({**dict(self), **dict(version)})
