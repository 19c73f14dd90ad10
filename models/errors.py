"""Configuration faults as messages: one line each, with path, value, rule, and the nearest valid name."""

import re
from collections.abc import Iterable, Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

SECRET_LOOKING = ("password", "secret", "token", "credential")
"""Messages never repeat the value of a key that contains one of these words."""

_SHOWN = 80
"""Maximum number of characters of a wrong value or key in a message."""

_PASSWORD = re.compile(r"//[^/@\s]*@")
"""The user and password in a URL."""

_COMMA = re.compile(r"(-?[0-9]+),([0-9]+)\s*([A-Za-z%]*)")
_GROUP = 3
"""Digits after a comma that separates thousands."""

_PLAIN_RULES = {
    "tuple_type": "must be a list",
    "dict_type": "must be a map",
    "model_type": "must be a map",
    "model_attributes_type": "must be a map",
    "string_type": "must be text; quote it",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "decimal_parsing": "must be a number, such as 99.9",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "too_short": "must not be empty; add at least one",
}
"""Replacements for pydantic's messages, which name Python types, by error type. Braces name pydantic's values."""


class ConfigurationError(Exception):
    """The configuration is not usable. Nothing was built, pushed or written."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Faults(ValueError):
    """Several faults that one validator found. Each is reported on its own line.

    Each fault is ``path: rule``. The path is relative to the model that was validated.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


def enumerated(names: Sequence[str]) -> str:
    """Join names into text: ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def differ(paths: Sequence[str], slot: str, command: str, does: str) -> str:
    """Return a line with the values that differ from what a slot runs and the command that applies or releases them."""
    verb, them = ("differs", "it") if len(paths) == 1 else ("differ", "them")
    return f"{enumerated(paths)} {verb} from what {slot} runs; `{command}` {does} {them}"


def nearest(given: str, valid: Iterable[str]) -> str:
    """Return a suggestion with the nearest valid name, or an empty string."""
    import difflib  # noqa: PLC0415 -- only a mistake needs it

    found = difflib.get_close_matches(given, list(valid), n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else ""


def faults_of(error: ValidationError, model: type[BaseModel], where: str) -> list[str]:
    """Return one line for each fault that pydantic found in data for ``model``.

    ``where`` precedes each path unchanged: ``slipway:``, ``catalog/x.yaml: `` or the start of the path.
    """
    details = error.errors(include_url=False)
    # pydantic also reports a list as empty if its only item is wrong, and a default that depends on a wrong value. Skip
    # those second reports.
    details = [detail for detail in details if detail["type"] != "default_factory_not_called"]
    places = [detail["loc"] for detail in details]
    return [
        line
        for detail in details
        if detail["type"] != "too_short" or not any(_inside(place, detail["loc"]) for place in places)
        for line in _lines(detail, model, where)
    ]


def _inside(place: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _lines(detail: ErrorDetails, model: type[BaseModel], where: str) -> Iterator[str]:
    steps, owner = _walk(model, detail["loc"])
    at = where + ".".join(steps) if steps else where.rstrip(":. ")
    several = detail.get("ctx", {}).get("error")
    if isinstance(several, Faults):
        below = f"{at}." if steps else where
        yield from (f"{below}{fault}" for fault in several.faults)
    else:
        yield f"{at}: {_rule(detail, steps, owner)}"


def _rule(detail: ErrorDetails, steps: list[str], owner: type[BaseModel] | None) -> str:
    if detail["type"] == "extra_forbidden":
        valid = _keys(owner)
        return f"unknown key{nearest(steps[-1], valid) or '; known keys: ' + ', '.join(valid)}"
    if detail["type"] == "missing":
        return "required, but not set"
    if detail["type"] == "union_tag_invalid":
        context = detail.get("ctx", {})
        valid = re.findall(r"'([^']*)'", context.get("expected_tags", ""))
        tag = str(context.get("tag"))
        return f"{tag!r} is not one of {', '.join(valid)}{nearest(tag, valid)}"
    limits = {key: f"{one:.15g}" if isinstance(one, float) else one for key, one in detail.get("ctx", {}).items()}
    rule = _PLAIN_RULES.get(detail["type"], "").format_map(limits) or detail["msg"].removeprefix("Value error, ")
    return f"{_shown(detail['input'], steps)}{rule}{_comma(detail)}"


def _comma(detail: ErrorDetails) -> str:
    """Return the remedy if the value is a number with a comma; otherwise an empty string."""
    found = _COMMA.fullmatch(detail["input"]) if isinstance(detail["input"], str) else None
    if found is None or detail["type"] == "string_type":
        return ""
    whole, rest, unit = found.groups()
    decimal, grouped = f"{whole}.{rest}{unit}", f"{whole}{rest}{unit}"
    if detail["type"].startswith("int"):
        return f"; write {grouped}" if len(rest) == _GROUP else "; write it without a fraction"
    return f"; write {decimal}" + (f" or {grouped}" if len(rest) == _GROUP else "")


def _shown(value: object, steps: list[str]) -> str:
    if isinstance(value, dict | list | BaseModel):
        return ""
    if any(word in step.lower() for step in steps for word in SECRET_LOOKING):
        return "[secret]: "
    text = _PASSWORD.sub("//[secret]@", repr(value))
    return f"{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}: "


def _walk(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[list[str], type[BaseModel] | None]:
    """Return, for a pydantic location, the path as the user wrote it and the last model on that path.

    Union tags and the ``[key]`` marker are pydantic's own and not part of the path.
    """
    steps: list[str] = []
    owner: type[BaseModel] | None = model
    kind: Any = model
    for step in loc:
        arms = list(_arms(kind))
        tagged = [arm for arm, tag in arms if tag is not None and tag == step]
        if tagged:
            kind = tagged[0]
        elif step != "[key]":
            steps.append(key_text(str(step)))
            owner, kind = _below([arm for arm, _ in arms], step)
    return steps, owner


def key_text(key: str) -> str:
    """Return a key as one short, printable line."""
    text = key if key.isprintable() else repr(key)[1:-1]
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _below(arms: list[Any], step: int | str) -> tuple[type[BaseModel] | None, Any]:
    """Return the model that holds ``step`` (None for a map or list), and the annotation of the value at ``step``."""
    for arm in arms:
        if isinstance(arm, type) and issubclass(arm, BaseModel):
            found = [info.annotation for name, info in arm.model_fields.items() if step in (name, info.alias)]
            return arm, found[0] if found else None
        if arguments := [argument for argument in get_args(arm) if argument is not Ellipsis]:
            return None, arguments[-1]
    return None, None


def _arms(kind: Any, tag: str | None = None) -> Iterator[tuple[Any, str | None]]:  # noqa: ANN401 -- a type annotation
    """Yield each plain type in unions and ``Annotated``, with its tag."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        tags = [argument.tag for argument in arguments if isinstance(argument, Tag)]
        yield from _arms(arguments[0], tags[0] if tags else tag)
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _arms(argument, tag)
    else:
        yield kind, tag


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [info.alias or name for name, info in model.model_fields.items()]
