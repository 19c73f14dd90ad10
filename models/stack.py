"""The configuration of a stack: all keys of the ``slipway:`` namespace."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from models.base import Model
from models.cluster import ClusterSettings
from models.delivery import ServiceDelivery
from models.errors import ConfigurationError
from models.external import External, ObjectStorage, Server
from models.image import ImageSettings
from models.release import ServiceRelease
from models.secrets import SecretSource
from models.vocabulary import DigestReference, Name

StackName = Annotated[str, Field(pattern=r"^([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]{1,100}$")]

Discarded = Annotated[str, Field(pattern=r"^(namespace|claim|statefulset)/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
"""An object that holds data, as kind/name."""
RESERVED = "kube-"
"""The prefix of namespaces that Kubernetes keeps for itself.

https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""


class SystemChoice(Model):
    """The catalogue entry and the environment that this stack runs."""

    entry: Name = Field(description="catalog/<entry>.yaml", examples=["classifier"])
    environment: Name = Field(description="one of the entry's environments", examples=["dev"])
    namespace: Name | None = Field(default=None, description="none = <system>-<environment>")
    existing_namespace: bool = Field(
        default=False,
        strict=True,
        description="use a namespace that has another owner; it is neither changed nor deleted",
    )
    discard: tuple[Discarded, ...] = Field(
        default=(),
        description="objects that the next update may delete or replace, including their data; clear it afterwards",
        examples=[["claim/cache"]],
    )

    @model_validator(mode="after")
    def _no_namespace_of_kubernetes(self) -> Self:
        if self.space.startswith(RESERVED):
            raise ValueError(f"namespace {self.space}: Kubernetes reserves the prefix {RESERVED}; choose another name")
        if self.space == "default" and not self.existing_namespace:
            raise ValueError(
                "namespace default: exists in every cluster and does not belong to this stack; choose another name, or "
                "set existingNamespace: true to deploy into it"
            )
        return self

    @property
    def space(self) -> str:
        """The namespace, or its default if the stack does not name one."""
        return self.namespace or f"{self.entry}-{self.environment}"


class StackSettings(Model):
    """``Pulumi.<stack>.yaml`` as Slipway reads it."""

    system: SystemChoice
    cluster: ClusterSettings
    image: ImageSettings | None = Field(default=None, description="only in the environment that builds")
    images: dict[Name, DigestReference] = Field(
        default_factory=dict, description="images that a later environment runs, by the entry's image key"
    )
    release: dict[Name, ServiceRelease] = Field(default_factory=dict)
    delivery: dict[Name, ServiceDelivery] = Field(
        default_factory=dict, description="the record of releases; `slipway` writes it"
    )
    source: StackName | None = Field(
        default=None,
        description="stack (or org/project/stack) whose evidence is required for what runs here; "
        "none = no evidence is required",
    )
    secrets: dict[Name, SecretSource] = Field(default_factory=dict, description="source of each of the entry's secrets")
    object_storage: ObjectStorage | None = Field(default=None, description="the S3 API of this environment")
    externals: dict[Name, Server] = Field(default_factory=dict, description="further servers outside the namespace")
    tracing: External | None = Field(default=None, description="where traces go (OTLP over HTTP); none = no traces")


def refuse_own_source(name: str, settings: StackSettings) -> None:
    """Raise ConfigurationError if the stack of this name takes evidence from itself."""
    if settings.source == name:
        raise ConfigurationError(
            [f"slipway:source: {name!r} is this stack; set the stack of the previous environment, or remove it"]
        )
