"""YAML documents of the driver: how they are read and compared."""

from typing import Any, cast

from catalog import yaml_document
from catalog.yaml_document import Document
from delivery.errors import Unreadable
from models.errors import ConfigurationError

Json = dict[str, Any]


def document(raw: bytes, name: str) -> Document:
    """Read a file; raises Unreadable with one line that names the file and the line."""
    try:
        return yaml_document.read(raw, name)
    except ConfigurationError as error:
        raise Unreadable(str(error)) from None


def same(one: object, other: object) -> bool:
    """Return whether two plain values are equal as YAML; unlike in Python, 1 and true differ."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        mine, theirs = cast("Json", one), cast("Json", other)
        return mine.keys() == theirs.keys() and all(same(value, theirs[key]) for key, value in mine.items())
    if isinstance(one, list) and isinstance(other, list):
        pair = cast("list[object]", one), cast("list[object]", other)
        return len(pair[0]) == len(pair[1]) and all(map(same, *pair))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
