"""How images are built, and with which builder and base image."""

from typing import Annotated, Literal, Self, cast

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from models.base import Model
from models.errors import enumerated
from models.vocabulary import BuildArgument, DigestReference, EnvironmentVariable, Name, Registry, Text

_PATH_BYTES, _PART_BYTES = 1_024, 255
"""Limits of a path and of each of its parts. Linux reports a longer part as an error, not as a missing file."""


def _project_path(value: str) -> str:
    whole, parts = len(value.encode()), [len(part.encode()) for part in value.split("/")]
    if whole > _PATH_BYTES or max(parts) > _PART_BYTES:
        raise ValueError(f"a path has at most {_PATH_BYTES:,} bytes and each part {_PART_BYTES}; shorten it")
    return value


ProjectPath = Annotated[Text, AfterValidator(_project_path)]


SecretId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$")]
"""The id by which a Dockerfile mounts a build secret."""


class ImageBuild(Model):
    """One image build of a catalogue entry. Paths are relative to the project's root."""

    context: ProjectPath = Field(
        description="build context: the folder that is sent to the builder", examples=["serving"]
    )
    dockerfile: ProjectPath = Field(default="Dockerfile", description="path inside the build context")
    target: Name | None = Field(default=None, description="stage of the Dockerfile; none = the last one")
    args: dict[BuildArgument, str] = Field(default_factory=dict, description="build arguments; quote the values")
    secrets: tuple[SecretId, ...] = Field(
        default=(),
        description="ids of secrets that the Dockerfile mounts; slipway:image.secrets names their sources",
    )


class NamedImage(Model):
    """An image that somebody else built. The stack builds nothing; its pods pull this digest."""

    reference: DigestReference = Field(description="repository@sha256:<64 hex>")


def _kind(value: object) -> str:
    given = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return "named" if isinstance(value, NamedImage) or "reference" in given else "built"


Image = Annotated[Annotated[ImageBuild, Tag("built")] | Annotated[NamedImage, Tag("named")], Discriminator(_kind)]
"""An image of a catalogue entry: built from a Dockerfile, or named by digest."""


class CachePlace(Model):
    """Where a build keeps its layers for the next one: a repository, or a folder of this machine."""

    registry: Text | None = Field(
        default=None, description="reference of the cache", examples=["registry.example.com/ml/cache:server"]
    )
    folder: Text | None = Field(default=None, description="folder of the machine that builds")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.registry is None) == (self.folder is None):
            raise ValueError("a cache has one place; set registry or folder")
        return self


class BuildSecret(Model):
    """The source of a build secret. The value reaches only the build step that mounts it."""

    environment: EnvironmentVariable | None = Field(default=None, description="variable of the process that builds")
    file: ProjectPath | None = Field(default=None, description="file under the project's root, or an absolute path")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.environment is None) == (self.file is None):
            raise ValueError("a build secret has one source; set environment or file")
        return self


Platform = Annotated[str, Field(pattern=r"^linux/(amd64|arm64|arm/v[67]|ppc64le|riscv64|s390x)$")]


class ImageSettings(Model):
    """The builder, base image and registry of this stack (``slipway:image``)."""

    registry: Registry = Field(description="prefix of every repository", examples=["registry.example.com/ml"])
    builder: Literal["docker-build", "docker"] = Field(
        default="docker-build", description="BuildKit through pulumi-docker-build, or the Docker daemon"
    )
    buildx: Name | None = Field(default=None, description="name of the buildx builder instance; none = the default one")
    base_image: Text | None = Field(default=None, description="BASE_IMAGE of the Dockerfile; none = its default")
    wheels: ProjectPath | None = Field(
        default=None, description="folder of Python wheels for builds without a package index (docker-build only)"
    )
    args: dict[BuildArgument, str] = Field(
        default_factory=dict, description="build arguments of this stack; quote the values"
    )
    platforms: tuple[Platform, ...] = Field(
        default=(),
        description="platforms of the cluster's nodes; none = that of the builder; the Docker daemon builds for one",
        examples=[["linux/amd64"]],
    )
    cache_from: tuple[CachePlace, ...] = Field(default=(), description="where to read layers of earlier builds")
    cache_to: tuple[CachePlace, ...] = Field(
        default=(), description="where to write layers for later builds (docker-build only)"
    )
    secrets: dict[SecretId, BuildSecret] = Field(
        default_factory=dict, description="sources of the entry's build secrets (docker-build only)"
    )

    @model_validator(mode="after")
    def _one_builders_settings(self) -> Self:
        unsupported = [key for key in ("wheels", "buildx", "cache_to", "secrets") if getattr(self, key)]
        if self.builder == "docker":
            if unsupported:
                named = enumerated([type(self).model_fields[key].alias or key for key in unsupported])
                raise ValueError(f"the Docker daemon does not support {named}; set builder: docker-build, or remove it")
            if len(self.platforms) > 1:
                raise ValueError(
                    f"the Docker daemon builds for one platform, but platforms has {len(self.platforms)}; set builder: "
                    "docker-build, or name one"
                )
            if any(place.folder for place in self.cache_from):
                raise ValueError(
                    "the Docker daemon reads a cache only from a registry; set cacheFrom.registry, or builder: "
                    "docker-build"
                )
        if len(set(self.platforms)) != len(self.platforms):
            raise ValueError("platforms names a platform twice; remove one")
        return self
