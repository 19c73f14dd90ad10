"""Every field that a configuration file can have, found by walking the models."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Tag
from pydantic.fields import FieldInfo

KEY, VALUE, ITEM = "{key}", "*", "[]"
"""Steps of a path: a map's key, a map's value, an item of a list."""
UNREACHED = {
    "entry.environments.*.services": "an overlay's blocks replace a service's, and the result is validated as one",
    "entry.environments.*.stores": "an overlay's blocks replace those of a store",
    "entry.services.*.sidecars.[].resources.devices": "only the server can have extended resources",
    "entry.services.*.init.[].resources.devices": "only the server can have extended resources",
    "stack.delivery": "the record of releases, which slipway writes and no manifest contains",
    "stack.release.*.slots.*.revision": "the reader refuses a revision without a file before resolve",
}
"""Paths that get no values, and why."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A field without fields of its own: a scalar, a map's key, or a list or map as a whole."""

    path: Path
    base: Any
    """Its type, without annotations."""
    rules: tuple[Any, ...]
    """The annotations: validators and bounds."""
    optional: bool = False

    def __str__(self) -> str:
        return ".".join(self.path)

    @property
    def validators(self) -> tuple[str, ...]:
        """The names of the functions that judge a value."""
        return validators(self.rules)

    @property
    def bounds(self) -> list[int]:
        """The numbers that the field's bounds name."""
        names = ("ge", "gt", "le", "lt")
        return [getattr(rule, name) for rule in self.rules for name in names if hasattr(rule, name)]


def validators(rules: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the names of the validators among annotations."""
    found = [cast("Any", rule.func) for rule in rules if isinstance(rule, AfterValidator | BeforeValidator)]
    return tuple(f"{function.__module__}.{function.__qualname__}" for function in found)


def stripped(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without its annotations, and the annotations in the order in which they apply."""
    if get_origin(kind) is Annotated:
        inner, *outer = get_args(kind)
        base, rules = stripped(inner)
        return base, (*rules, *(one for rule in outer for one in _flat(rule)))
    return kind, ()


def _flat(rule: Any) -> Iterator[Any]:
    yield from rule.metadata if isinstance(rule, FieldInfo) else (rule,)


def fields(model: type[BaseModel], *path: str) -> Iterator[Field]:
    """Yield each field below a model."""
    for name, info in model.model_fields.items():
        step = (*path, info.alias or name)
        if ".".join(step) not in UNREACHED:
            yield from _below(info.annotation, tuple(info.metadata), step)


def _below(kind: Any, outer: tuple[Any, ...], path: Path, *, optional: bool = False) -> Iterator[Field]:
    base, inner = stripped(kind)
    rules = (*inner, *outer)
    if ".".join(path) in UNREACHED:
        return
    if isinstance(base, type) and issubclass(base, BaseModel):
        yield from fields(base, *path)
    elif get_origin(base) in (Union, types.UnionType):
        yield from _arms(base, rules, path)
    elif get_origin(base) is dict:
        key, value = get_args(base)
        yield Field(path, dict, rules, optional)
        yield from _below(key, (), (*path, KEY))
        yield from _below(value, (), (*path, VALUE))
    elif get_origin(base) is tuple:
        yield Field(path, tuple, rules, optional)
        yield from _below(get_args(base)[0], (), (*path, ITEM))
    else:
        yield Field(path, base, rules, optional)


def _arms(union: Any, rules: tuple[Any, ...], path: Path) -> Iterator[Field]:
    arms = [arm for arm in get_args(union) if arm is not type(None)]
    optional = len(arms) < len(get_args(union))
    if any(isinstance(rule, Discriminator) for rule in rules):
        for arm in arms:
            base, own = stripped(arm)
            tag = next(rule.tag for rule in own if isinstance(rule, Tag))
            yield from _below(base, tuple(rule for rule in own if not isinstance(rule, Tag)), (*path, f"<{tag}>"))
    elif len(arms) == 1:
        yield from _below(arms[0], rules, path, optional=optional)
    else:
        plain: list[Any] = [arm for arm in arms if not (isinstance(arm, type) and issubclass(arm, BaseModel))]
        yield Field(path, plain, rules, optional)


def choices(base: Any) -> tuple[str, ...]:
    """Return the words of a Literal; empty if the type is another."""
    return get_args(base) if get_origin(base) is Literal else ()
