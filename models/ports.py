"""Names of a container's ports.

Source: ``IsValidPortName`` of Kubernetes (RFC 6335): at most 15 characters, at least one letter, no ``--``.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

WEB = "web"
"""The name of the port that takes a service's requests. Its number may change in a rollout."""
MANAGEMENT = "management"
"""The name of the port for metrics that ``managementPort`` opens."""
PRIVATE_PORT = 80
"""Port of a slot's private Service."""
_LENGTH = 15
_PORT = re.compile(r"(?!.*--)(?=.*[a-z])[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def _port_name(value: str) -> str:
    if len(value) > _LENGTH or not _PORT.fullmatch(value):
        raise ValueError(
            f"a port name has at most {_LENGTH} lowercase letters, digits and single '-', with at least one letter, "
            "and starts and ends with a letter or digit"
        )
    return value


def _free_port_name(value: str) -> str:
    if _port_name(value) == WEB:
        raise ValueError(f"{WEB} is the name of the service's own port; choose another name")
    if value == MANAGEMENT:
        raise ValueError(f"{MANAGEMENT} is the name of managementPort; choose another name")
    return value


PortName = Annotated[str, AfterValidator(_port_name)]
FreePortName = Annotated[
    str,
    AfterValidator(_free_port_name),
    Field(json_schema_extra={"pattern": f"^{_PORT.pattern}$", "maxLength": _LENGTH}),
]
"""The name of a further port of a container."""
