"""Find a role by its name: `faces.store` is the module `serving.payloads.faces.store`."""

import difflib
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from serving import payloads
from serving.role.payload import Payload

_FOLDER = Path(payloads.__file__).parent
_PACKAGE = "__init__.py"
_DECLARATION = re.compile(r"^PAYLOAD\b[^=\n]*=", re.MULTILINE)


class UnknownRoleError(ValueError):
    """The role does not exist; the message is one line that suggests the nearest name."""


def load_role(name: str) -> Payload[Any]:
    """Import and return one role's payload, without importing other roles.

    Raises:
        UnknownRoleError: no module of that name declares a PAYLOAD.
    """
    if not any(_declares_payload(path) for path in _files(name)):
        known = known_roles()
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"known roles: {', '.join(known)}"
        raise UnknownRoleError(f"role {name!r}: unknown role; {hint}")
    found: object = importlib.import_module(f"serving.payloads.{name}").PAYLOAD
    if not isinstance(found, Payload):
        raise TypeError(f"role {name!r}: PAYLOAD is a {type(found).__name__}, not a Payload")
    return cast("Payload[Any]", found)


def known_roles() -> list[str]:
    """Return the roles of this image, read from the sources: importing them would load the packages of every role."""
    found: list[str] = []
    for path in sorted(_FOLDER.rglob("*.py")):
        if _declares_payload(path):
            module = path.parent if path.name == _PACKAGE else path.with_suffix("")
            found.append(".".join(module.relative_to(_FOLDER).parts))
    return found


def _files(name: str) -> Iterator[Path]:
    """Yield the paths where a role's module may be; none if the name is not a valid module name."""
    parts = name.split(".")
    if all(part.isidentifier() for part in parts):
        module = _FOLDER.joinpath(*parts)
        yield from (module / _PACKAGE, module.with_suffix(".py"))


def _declares_payload(source: Path) -> bool:
    return source.is_file() and _DECLARATION.search(source.read_text(encoding="utf-8")) is not None
