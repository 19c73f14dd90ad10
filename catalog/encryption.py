"""How Pulumi stores an encrypted value in a stack file: as a map with the only key ``secure``."""

from typing import Any, cast


def is_encrypted(node: object) -> bool:
    """Return whether plain data is one encrypted value."""
    return isinstance(node, dict) and cast("dict[str, Any]", node).keys() == {"secure"}


def has_encrypted(node: object) -> bool:
    """Return whether plain data is, or contains, an encrypted value."""
    if isinstance(node, dict):
        return is_encrypted(cast("object", node)) or any(map(has_encrypted, cast("dict[str, Any]", node).values()))
    return isinstance(node, list) and any(map(has_encrypted, cast("list[object]", node)))
