# pyright: basic
"""Changes that people make to YAML files by accident: a few bytes, or one value, key or subtree."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import yaml

INSERTED = b"#:-[]{},&*!|>'\"%@`\n\r\t ~<0159.xeo_\xff\x00\xc3"
EDGES: tuple[Any, ...] = (
    *(0, -1, 1, 10**9, 2**53, 0.5, -0.0, 1e-9, 1e300, True, False, None, "", " ", "x" * 300, [], {}, [[]], {"": ""}),
    *(
        "99,9",
        "05000",
        "1_000",
        "512m",
        "8Mi",
        "1e3",
        "-",
        "ü",
        "${x}",
        "a\nb",
        "../x",
        "/",
        "*",
        "http://[",
        "@sha256:",
    ),
    *({"a": 1}, [None], ["x", "x"], "2026-01-01", "no", "~", "<<", "\u2028", "\U0001f600", "0 8 * * 7", "localtime"),
)


def changed_bytes(text: bytes, chosen: random.Random) -> bytes:
    """Return a text in which one to three times a few bytes are removed, inserted or replaced."""
    for _ in range(chosen.randint(1, 3)):
        at = chosen.randrange(len(text) or 1)
        added = bytes([chosen.choice(INSERTED)]) if chosen.random() < 0.5 else b""
        text = text[:at] + added + text[at + chosen.randint(0, 5) :]
    return text


def changed_value(text: bytes, chosen: random.Random) -> bytes:
    """Return a text in which one value is an edge value, one key is gone or renamed, or one subtree is elsewhere."""
    data = yaml.safe_load(text)
    places = list(_places(data))
    parent, key = chosen.choice(places)
    what = chosen.randrange(5)
    if what == 0:
        del parent[key]
    elif what == 1 and isinstance(parent, dict):
        parent[str(key)[1:] or "x"] = parent.pop(key)
    elif what == 2:
        other, other_key = chosen.choice(places)
        parent[key] = copy.deepcopy(other[other_key])
    else:
        parent[key] = copy.deepcopy(chosen.choice(EDGES))
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False).encode()


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container with each of its keys or indexes."""
    for key in [*node] if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])
