"""How images are built, and with which builder and base image."""

from typing import Literal, Self

from pydantic import Field, model_validator

from models.base import Model
from models.vocabulary import BuildArgument, Name, Registry, Text


class ImageBuild(Model):
    """One image build of a catalogue entry. Paths are relative to the project's root."""

    context: Text = Field(description="build context: the folder that is sent to the builder", examples=["serving"])
    dockerfile: Text = Field(default="Dockerfile", description="path inside the build context")
    target: Name | None = Field(default=None, description="stage of the Dockerfile; none = the last one")
    args: dict[BuildArgument, str] = Field(default_factory=dict, description="build arguments; quote the values")


class ImageSettings(Model):
    """The builder, base image and registry of this stack (``slipway:image``)."""

    registry: Registry = Field(description="prefix of every repository", examples=["registry.example.com/ml"])
    builder: Literal["docker-build", "docker"] = Field(
        default="docker-build", description="BuildKit through pulumi-docker-build, or the Docker daemon"
    )
    buildx: Name | None = Field(default=None, description="name of the buildx builder instance; none = the default one")
    base_image: Text | None = Field(default=None, description="BASE_IMAGE of the Dockerfile; none = its default")
    wheels: Text | None = Field(
        default=None, description="folder of Python wheels for builds without a package index (docker-build only)"
    )
    args: dict[BuildArgument, str] = Field(
        default_factory=dict, description="build arguments of this stack; quote the values"
    )

    @model_validator(mode="after")
    def _one_builders_settings(self) -> Self:
        alien = [key for key in ("wheels", "buildx") if getattr(self, key) is not None]
        if self.builder == "docker" and alien:
            raise ValueError(
                f"the Docker daemon does not support {' and '.join(alien)}; set builder: docker-build, or remove it"
            )
        return self
