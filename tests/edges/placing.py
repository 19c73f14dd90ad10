"""Puts a value into a field of a whole configuration."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tests.edges.fields import ITEM, KEY, VALUE, Field, choices
from tests.edges.plain import is_list, is_map
from tests.samples import Config

Place = tuple[Any, ...]
"""Where a field stands in a configuration: keys, and places in lists. A map's key is the last step."""
_NAMES = (
    ("models.vocabulary._name",),
    ("models.ports._port_name",),
    ("models.ports._free_port_name",),
)
"""Rules of the types whose values are names, which other fields repeat."""
_CLAIM = "pvc://"
_REFERENCES = (("redis", "store"), ("keys", ITEM), ("paths", ITEM), ("secrets", ITEM), (VALUE, "key"))
"""Ends of paths whose values are names of things without being of the type Name."""
_EXCLUSIVE = {
    "pattern": "value",
    "value": "pattern",
    "minAvailable": "maxUnavailable",
    "maxUnavailable": "minAvailable",
    "path": "command",
    "command": "path",
    "registry": "folder",
    "folder": "registry",
    "environment": "file",
    "file": "environment",
}
"""Keys of which a map has only one."""
_TAGS: Mapping[str, tuple[str, ...]] = {
    "fixed": ("replicas",),
    "triggered": ("triggers",),
    "autoscaled": ("metrics",),
    "given": ("values",),
    "environment": ("environment",),
    "external": ("externalSecret",),
    "public": ("public",),
    "built": ("context",),
    "named": ("reference",),
    "check": (),
    "profile": (),
    "settings": (),
}
"""For each arm of a union, a key that only this arm has."""


_TEXTS = ("text", "path", "name", "other")
"""Arms of a union that are text."""


def places(field: Field, data: Config) -> Iterator[Place]:
    """Yield each place of a field in a configuration."""
    yield from _places(field.path, data, ())


def place_of(field: Field, data: Config) -> Place | None:
    """Return the first place where a field has a value, or else the first where it could have one; None = nowhere."""
    found = list(places(field, data))
    return next((place for place in found if _at(data, place) is not None), next(iter(found), None))


def _places(path: tuple[str, ...], data: Any, at: Place) -> Iterator[Place]:
    if not path:
        yield at
        return
    step, *rest = path
    if not step.startswith("<"):
        for key, value in _below(step, data):
            yield from _places(tuple(rest), value, (*at, key))
    elif _is_arm(data, step[1:-1]):
        yield from _places(tuple(rest), data, at)


def _below(step: str, data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what a step leads to. An optional field has a place even where it is not given."""
    if step == ITEM:
        yield from enumerate(data if is_list(data) else [])
    elif is_map(data):
        yield from data.items() if step in (KEY, VALUE) else [(step, data.get(step))]


def _is_arm(data: Any, tag: str) -> bool:
    if tag in _TEXTS:
        return isinstance(data, str)
    if not is_map(data):
        return False
    return all(key in data for key in _TAGS[tag]) if tag in _TAGS else data.get("strategy", "rolling") == tag


def put(data: Config, field: Field, place: Place, value: Any) -> Config:
    """Return a copy of a configuration with a value in a place. A name is replaced wherever it stands."""
    old = place[-1] if field.path[-1] == KEY else _at(data, place)
    is_name = field.path[-1] == KEY or field.validators in _NAMES or field.path[-2:] in _REFERENCES
    if is_name and isinstance(value, str) and isinstance(old, str) and not choices(field.base):
        return cast("Config", renamed(data, old, value))
    changed = copy.deepcopy(data)
    above = _at(changed, place[:-1])
    if field.path[-1] == KEY:
        above[value] = above.pop(place[-1])
    else:
        if is_map(above):
            above.pop(_EXCLUSIVE.get(str(place[-1]), ""), None)
        above[place[-1]] = _repeated(above.get(place[-1]), value) if is_map(above) else value
    return changed


def _repeated(items: Any, value: Any) -> Any:
    """Return what ``value`` asks for if it is one of the words for a list made from the present items."""
    if is_list(items):
        return {"twice": [*items, *items], "empty item": [*items, ""]}.get(str(value), value)
    return value


def _at(data: Any, place: Place) -> Any:
    for step in place:
        data = data[step] if is_list(data) else data.get(step)
    return data


def renamed(data: Any, old: str, new: str) -> Any:
    """Return a copy of plain data with one text replaced, as a key and as a value."""
    if is_map(data):
        pairs = data
        return {(new if key == old else key): renamed(value, old, new) for key, value in pairs.items()}
    if is_list(data):
        return [renamed(item, old, new) for item in data]
    if isinstance(data, str) and data.startswith(f"{_CLAIM}{old}/"):
        return data.replace(old, new, 1)
    return new if data == old else data
