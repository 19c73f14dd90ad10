"""The user of a pod's containers, and the Pod Security Standard that the pod needs.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from models.base import Model
from models.vocabulary import INT32, Text

USERS = ("image", "namespace")


def _user(value: object) -> object:
    number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= INT32
    if not number and value not in USERS:
        raise ValueError(
            "a user is a number, image (the image's own user) or namespace (assigned by the cluster, as on OpenShift)"
        )
    return value


User = Annotated[
    int | str,
    BeforeValidator(_user),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "enum": list(USERS)}, {"type": "integer", "minimum": 0, "maximum": INT32}]}
    ),
]
"""A user id, ``image`` or ``namespace``."""

Capability = Literal[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
]
"""A capability that the *baseline* standard permits. *Restricted* permits NET_BIND_SERVICE alone."""


class PodSecurity(Model):
    """Why a service cannot run under the *restricted* standard, and what it needs beyond it."""

    standard: Literal["baseline"] = Field(description="the standard that the pods need")
    why: Text = Field(
        description="the reason, which every preview repeats", examples=["the vendor's image starts as root"]
    )
    capabilities: tuple[Capability, ...] = Field(default=(), description="capabilities of the server's container")
