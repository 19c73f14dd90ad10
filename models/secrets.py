"""Secrets. The catalogue entry declares them, and the stack names the source of each. The entry never holds a value."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Discriminator, Field, SecretStr, Tag, WithJsonSchema, model_validator

from models.base import Model
from models.errors import Faults
from models.vocabulary import EnvironmentVariable, FileName, Seconds, SubdomainName, Text, free_variable

REGISTRY_KEY = ".dockerconfigjson"
"""The only key of a Secret for pulling images."""


class SecretSpec(Model):
    """One Secret: variables or files for the pods that name it, or credentials for pulling images.

    A stack must give a source for every secret except those of kind registry, because an environment's registry may
    allow anonymous pulls.
    """

    kind: Literal["variables", "files", "registry"] = Field(
        default="variables", description="variables or files for pods, or credentials for pulling images (registry)"
    )
    keys: tuple[FileName, ...] = Field(
        default=(),
        description="environment variables that the secret holds, which can be mounted as files too; with "
        "kind: files, any names, such as tls.crt",
    )

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        if self.kind == "registry" and self.keys:
            raise ValueError(f"a secret of kind registry has only the key {REGISTRY_KEY}; remove keys")
        if self.kind != "registry" and not self.keys:
            held = "environment variables" if self.kind == "variables" else "files"
            raise ValueError(f"keys is empty; name the {held} that the secret holds")
        if self.kind == "variables" and (faults := list(self._names_of_no_variable())):
            raise Faults(faults)
        if len(set(self.keys)) != len(self.keys):
            raise ValueError("keys lists a key twice; remove one")
        return self

    def _names_of_no_variable(self) -> Iterator[str]:
        for place, key in enumerate(self.keys):
            try:
                free_variable(key)
            except ValueError as error:
                yield f"keys.{place}: {key!r}: {error}"

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that a source must provide."""
        return (REGISTRY_KEY,) if self.kind == "registry" else self.keys


_ENCRYPTED = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}
EncryptedText = Annotated[
    SecretStr, WithJsonSchema({"anyOf": [{"type": "string"}, {**_ENCRYPTED, "additionalProperties": False}]})
]
"""Text as Pulumi passes it to the program, or ``{secure: …}`` as Pulumi writes it to the stack file."""


class GivenSecret(Model):
    """Values from the stack file, encrypted: ``pulumi config set --secret --path``."""

    values: dict[Text, EncryptedText] = Field(min_length=1, description="value of each key of the secret")

    @property
    def given(self) -> set[str]:
        """The keys that this source provides."""
        return set(self.values)


class EnvironmentSecret(Model):
    """Values from the environment of the process that runs Pulumi, such as a CI job."""

    environment: dict[Text, EnvironmentVariable] = Field(min_length=1, description="secret key → environment variable")

    @property
    def given(self) -> set[str]:
        """The keys that this source provides."""
        return set(self.environment)


class ExternalStore(Model):
    """The values that the External Secrets operator reads. They never pass through Pulumi."""

    store: SubdomainName = Field(description="name of the SecretStore or ClusterSecretStore")
    kind: Literal["SecretStore", "ClusterSecretStore"] = Field(
        default="ClusterSecretStore", description="kind of the store's object"
    )
    key: Text = Field(description="path in that store", examples=["ml/classifier"])
    refresh: Seconds = Field(default=3600, ge=1, description="interval between two reads")


class ExternalSecret(Model):
    """A reference to a secret store."""

    external_secret: ExternalStore


def _kind(value: Any) -> str:  # noqa: ANN401 -- raw YAML or a model
    keys = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if isinstance(value, ExternalSecret) or "externalSecret" in keys:
        return "external"
    return "environment" if isinstance(value, EnvironmentSecret) or "environment" in keys else "given"


SecretSource = Annotated[
    Annotated[GivenSecret, Tag("given")]
    | Annotated[EnvironmentSecret, Tag("environment")]
    | Annotated[ExternalSecret, Tag("external")],
    Discriminator(_kind),
]
