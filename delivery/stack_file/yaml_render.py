"""Renders plain data as YAML text in Pulumi's style."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

_PLAIN = re.compile(r"[A-Za-z][\w./@-]*(?::[\w./@-]+)*", re.ASCII)
"""Text that needs no quotes in block style and in flow style: names, image references, keys."""
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that YAML 1.1 or 1.2, without quotes, does not read as text."""
_UNSAFE = re.compile("[\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON allows unescaped, but that YAML forbids or reads as a line end."""


def scalar(value: object, style: str | None = None) -> str:
    """Return a value without items on one line.

    Args:
        value: Text, number, Boolean or None; also an empty collection.
        style: The quotes of the old text, ``'`` or ``"``; they are kept if they can hold the new text.
    """
    if not isinstance(value, str):
        return json.dumps(value, default=str)
    if style is None and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def flow(value: object) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping) and value:
        pairs = cast("Mapping[str, object]", value).items()
        return "{" + ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in pairs) + "}"
    if isinstance(value, list) and value:
        return "[" + ", ".join(flow(item) for item in cast("Sequence[object]", value)) + "]"
    return scalar(cast("object", value))


def pair(key: str, value: object, indent: int) -> list[str]:
    """Return the lines of a key with its value in block style; the key is already YAML text."""
    head = f"{' ' * indent}{key}:"
    if not value or not isinstance(value, dict | list):
        return [f"{head} {scalar(value)}"]
    return [head, *_block(cast("object", value), indent + 2 * isinstance(value, dict))]


def item(value: object, indent: int) -> list[str]:
    """Return the lines of one item of a list in block style."""
    dash = " " * indent + "- "
    if not value or not isinstance(value, dict | list):
        return [dash + scalar(value)]
    first, *rest = _block(cast("object", value), indent + 2)
    return [dash + first.lstrip(" "), *rest]


def _block(value: object, indent: int) -> list[str]:
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return [line for key, one in pairs for line in pair(scalar(key), one, indent)]
    return [line for one in cast("list[object]", value) for line in item(one, indent)]
