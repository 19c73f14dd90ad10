"""The account of a service's pods at the API server and the cloud. It has only the permissions that are declared."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from models.base import Model
from models.metadata import Annotations
from models.vocabulary import Text

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete"]


def _no_wildcard(value: str) -> str:
    if "*" in value:
        raise ValueError("a wildcard grants access to more than intended; name each resource")
    return value


Granted = Annotated[Text, AfterValidator(_no_wildcard)]


class Permission(Model):
    """One rule of the Role that the account is bound to, in the system's own namespace."""

    group: Annotated[str, AfterValidator(_no_wildcard)] = Field(default="", description="API group; empty = core")
    resources: tuple[Granted, ...] = Field(
        min_length=1, description="resource types in the plural", examples=[["configmaps"]]
    )
    names: tuple[Granted, ...] = Field(
        default=(), description="names of single objects; none = all objects of these types in the namespace"
    )
    verbs: tuple[Verb, ...] = Field(min_length=1, description="what the account may do with them")


class Account(Model):
    """The ServiceAccount of a service's pods. Its token is mounted only if permissions are declared."""

    annotations: Annotations = Field(default_factory=dict, description="for example, the cloud role to assume")
    permissions: tuple[Permission, ...] = ()
