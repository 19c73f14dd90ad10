"""The walk over configuration beside its models: which keys exist, which are given, and how one is misspelt."""

import copy
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel

from tests.samples import Config

Keys = tuple[str, ...]


def arms(annotation: Any) -> list[Any]:
    """Open ``Annotated`` and unions: the plain types in an annotation."""
    if get_origin(annotation) is Annotated:
        return arms(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [arm for argument in get_args(annotation) for arm in arms(argument)]
    return [annotation]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation holds, also as values of a map or a list."""
    found: list[type[BaseModel]] = []
    for arm in arms(annotation):
        if isinstance(arm, type) and issubclass(arm, BaseModel):
            found.append(arm)
        elif get_origin(arm) in (dict, list, tuple):
            found += models_in(get_args(arm)[-1] if get_origin(arm) is dict else get_args(arm)[0])
    return found


def fields_below(model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], str]]:
    """Return every (model, key) that can be configured below a model."""
    for name, info in model.model_fields.items():
        yield model, info.alias or name
        for below in models_in(info.annotation):
            yield from fields_below(below)


def given_keys(model: type[BaseModel], data: Config, path: Keys = ()) -> Iterator[tuple[Keys, type[BaseModel]]]:
    """Walk data beside its model: the path of every key that belongs to a model, with that model."""
    fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
    for key, value in data.items():
        yield (*path, key), model
        candidates = [] if value is None or isinstance(value, str | int) else models_in(fields[key])
        if not candidates:
            continue
        for step, item in _items(fields[key], value):
            if isinstance(item, str):  # a value that may be a model, too
                continue
            below = next(c for c in candidates if set(item) <= {i.alias or n for n, i in c.model_fields.items()})
            yield from given_keys(below, item, (*path, key) if step is None else (*path, key, step))


def one_of_each(model: type[BaseModel], data: Config) -> list[Keys]:
    """Return the path of one key for each model that data reaches: the last that it names."""
    return list({owner: path for path, owner in given_keys(model, data)}.values())


def _items(annotation: Any, value: Any) -> list[tuple[str | None, Config]]:
    """Return the models' data under a key: one, or each of a list or map with its place in it."""
    if isinstance(value, list):
        return [(str(place), item) for place, item in enumerate(cast("list[Config]", value))]
    if any(get_origin(arm) is dict for arm in arms(annotation)):
        return list(cast("dict[str, Config]", value).items())
    return [(None, cast("Config", value))]


def renamed(data: Config, path: Keys, key: str) -> Config:
    """Return a copy of the data in which the last key of a path has another name, in its old place."""
    changed = copy.deepcopy(data)
    holder = changed
    for step in path[:-1]:
        holder = cast("Any", holder)[int(step) if isinstance(holder, list) else step]
    pairs = [(key if old == path[-1] else old, value) for old, value in holder.items()]
    holder.clear()
    holder.update(pairs)
    return changed


def misspelt(key: str) -> str:
    """Change one letter of a key: the one in the middle."""
    middle = len(key) // 2
    return f"{key[:middle]}{'q' if key[middle] != 'q' else 'x'}{key[middle + 1 :]}"


def dotted(path: Keys) -> str:
    """Write a path as the error lines do."""
    return ".".join(path)
