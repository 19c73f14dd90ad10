"""Three-way merge of a stack file by key, which keeps the changes of both sides.

A service's declared release and its run belong together: a mix of two drivers' changes would be a state that nobody
declared. ``slipway:release.<service>`` and ``slipway:delivery.<service>.run`` are therefore merged as one value, except
for approvals. Lists (verdicts, holds, history, approvals) are merged by item.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from delivery.stack_file.document import Json, same
from delivery.stack_file.yaml_render import flow

CONFIG, RELEASE, DELIVERY = "config", "slipway:release", "slipway:delivery"
_RUN, _APPROVALS = "run", "approvals"
_IDENTITY = ("id", "image", "config", "revision", "began", "stage")
"""Fields that identify items of the record's lists: ``id`` for history, ``stage`` for approvals, ``image``, ``config``
and ``revision`` for holds, and these three with ``began`` for verdicts."""
Unit = dict[tuple[str, ...], object]
"""Path below ``config`` → value."""
_NOTHING = object()
_SHOWN, _WIDTH = 3, 60
"""Maximum number of differences that a message names, and of characters of each value."""


@dataclass
class Merged:
    """The result of a merge."""

    data: Json
    clashes: list[str] = field(default_factory=list[str])
    """One phrase for each value that the two sides changed differently; ``data`` then holds the value of ``theirs``."""


def merged(base: Json, ours: Json, theirs: Json) -> Merged:
    """Merge the data of three stack files. If both sides changed one value, ``theirs`` wins."""
    clashes: list[str] = []
    services = {
        name: None for one in (theirs, ours, base) for key in (RELEASE, DELIVERY) for name in _section(one, key)
    }
    units = {
        name: _unit_of_three(_unit(base, name), _unit(ours, name), _unit(theirs, name), name, clashes)
        for name in services
    }
    data = cast("Json", _value(_without(base), _without(ours), _without(theirs), "", clashes))
    for one in units.values():
        for path, value in one.items():
            data = _put(data, (CONFIG, *path), value)
    return Merged(data, clashes)


def differences(base: object, ours: object, theirs: object, path: str) -> Iterator[str]:
    """Yield a phrase for each value that ``theirs`` changed, with the values of ``base`` and ``ours``."""
    if same(base, theirs):
        return
    former, mine, others = (cast("Json", one) if isinstance(one, dict) else None for one in (base, ours, theirs))
    if former is None or others is None:
        here = "" if same(ours, base) or same(ours, theirs) else f", here {_shown(ours)}"
        yield f"{path} is {_shown(theirs)} (was {_shown(base)}{here})"
        return
    for key in dict.fromkeys([*others, *former]):
        sides = [one.get(key, _NOTHING) for one in (former, mine or {}, others)]
        yield from differences(sides[0], sides[1], sides[2], f"{path}.{key}")


def told(found: list[str]) -> str:
    """Join differences into one phrase."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def unit(data: Json, service: str) -> Unit:
    """Return what only a driver may change while it works: the release, and the run without its approvals."""
    found = _unit(data, service)
    return {path: value for path, value in found.items() if path[-1] != _APPROVALS}


def _unit_of_three(base: Unit, ours: Unit, theirs: Unit, name: str, clashes: list[str]) -> Unit:
    run, approvals = (DELIVERY, name, _RUN), (DELIVERY, name, _RUN, _APPROVALS)
    agreed = [one.pop(approvals, []) for one in (base, ours, theirs)]
    both = _value(agreed[0], agreed[1], agreed[2], ".".join(approvals), clashes)
    taken = ours if theirs in (base, ours) else theirs
    if taken is theirs and base != ours:
        clashes.append(told(list(unit_differences(base, ours, theirs))))
    return taken | ({approvals: both} if both and run in taken else {})


def unit_differences(base: Unit, ours: Unit, theirs: Unit) -> Iterator[str]:
    """Yield a phrase for each value of a service's release and run that ``theirs`` changed."""
    for path in dict.fromkeys([*theirs, *base]):
        sides = [one.get(path, _NOTHING) for one in (base, ours, theirs)]
        yield from differences(sides[0], sides[1], sides[2], ".".join(path))


def _unit(data: Json, service: str) -> Unit:
    found: Unit = {}
    if service in _section(data, RELEASE):
        found[RELEASE, service] = _section(data, RELEASE)[service]
    delivery = _section(data, DELIVERY).get(service)
    run = cast("Json", delivery).get(_RUN) if isinstance(delivery, dict) else None
    if isinstance(run, dict):
        kept = cast("Json", run)
        found[DELIVERY, service, _RUN] = {key: value for key, value in kept.items() if key != _APPROVALS}
        if _APPROVALS in kept:
            found[DELIVERY, service, _RUN, _APPROVALS] = kept[_APPROVALS]
    return found


def _section(data: Json, key: str) -> Json:
    config = data.get(CONFIG)
    found = cast("Json", config).get(key) if isinstance(config, dict) else None
    return cast("Json", found) if isinstance(found, dict) else {}


def _without(data: Json) -> Json:
    """Return the data without the units."""
    config = data.get(CONFIG)
    if not isinstance(config, dict):
        return data
    rest = dict(cast("Json", config))
    if isinstance(rest.get(RELEASE), dict):
        rest[RELEASE] = {}
    if found := _section(data, DELIVERY):
        rest[DELIVERY] = {name: _but_run(one) for name, one in found.items()}
    return {**data, CONFIG: rest}


def _but_run(delivery: object) -> object:
    if not isinstance(delivery, dict):
        return delivery
    return {key: value for key, value in cast("Json", delivery).items() if key != _RUN}


def _put(data: Json, path: tuple[str, ...], value: object) -> Json:
    first, *rest = path
    inner = data.get(first)
    below = cast("Json", inner) if isinstance(inner, dict) else dict[str, Any]()
    return {**data, first: _put(below, tuple(rest), value) if rest else value}


def _value(base: object, ours: object, theirs: object, path: str, clashes: list[str]) -> object:
    if same(base, theirs) or same(ours, theirs):
        return ours
    if same(base, ours):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        one = cast("Json", base) if isinstance(base, dict) else dict[str, object]()
        return _pairs(one, cast("Json", ours), cast("Json", theirs), path, clashes)
    if path.startswith(DELIVERY) and isinstance(ours, list) and isinstance(theirs, list):
        former = cast("list[object]", base) if isinstance(base, list) else []
        return _items(former, cast("list[object]", ours), cast("list[object]", theirs))
    clashes.extend(differences(base, cast("object", ours), theirs, path))
    return theirs


def _pairs(base: Json, ours: Json, theirs: Json, path: str, clashes: list[str]) -> Json:
    found: Json = {}
    for key in dict.fromkeys([*theirs, *ours]):
        sides = [one.get(key, _NOTHING) for one in (base, ours, theirs)]
        value = _value(sides[0], sides[1], sides[2], f"{path}.{key}" if path not in {"", CONFIG} else key, clashes)
        if value is not _NOTHING:
            found[key] = value
    return found


def _items(base: list[object], ours: list[object], theirs: list[object]) -> list[object]:
    """Merge lists by item. If both sides changed an item, ``theirs`` wins: the hold or verdict remains either way."""
    former, mine, others = ({_identity(one): one for one in side} for side in (base, ours, theirs))
    found: list[object] = []
    for name, one in mine.items():
        untouched = name in former and same(former[name], one)
        if name in others:
            found.append(
                others[name] if untouched or name not in former or not same(former[name], others[name]) else one
            )
        elif not untouched:
            found.append(one)
    return found + [one for name, one in others.items() if name not in mine and name not in former]


def _identity(item: object) -> str:
    if not isinstance(item, dict):
        return repr(item)
    return repr([cast("Json", item).get(key) for key in _IDENTITY])


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "not set"
    said = flow(value)
    return said if len(said) <= _WIDTH else f"{said[:_WIDTH]}…"
