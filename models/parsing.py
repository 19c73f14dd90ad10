"""Validation of plain data from YAML or JSON."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from models.errors import ConfigurationError, faults_of, key_text

_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""The characters that YAML 1.2 does not count as printable."""

M = TypeVar("M", bound=BaseModel)


def decoded(text: str) -> object:
    """Return a configuration value as plain data. Pulumi passes structured values as JSON and all others as text."""
    try:
        return json.loads(text) if text.startswith(("{", "[")) else text
    except (ValueError, RecursionError):
        return text  # the model's error states what is expected


def below(prefix: str, values: Mapping[str, object]) -> dict[str, object]:
    """Return the values of one namespace as plain data, by key without the prefix."""
    return {key.removeprefix(prefix): decoded(str(value)) for key, value in values.items() if key.startswith(prefix)}


def _unwritable(data: object, at: str) -> Iterator[str]:
    """Yield one line for each text that YAML cannot hold. The API server would refuse an object that contains it."""
    if isinstance(data, dict):
        for key, value in cast("dict[object, object]", data).items():
            yield from _unwritable(value, f"{at}{'' if at.endswith((':', ' ')) else '.'}{key_text(str(key))}")
    elif isinstance(data, list):
        for place, item in enumerate(cast("list[object]", data)):
            yield from _unwritable(item, f"{at}{'' if at.endswith((':', ' ')) else '.'}{place}")
    elif isinstance(data, str) and (found := _CONTROL.search(data)):
        code = f"U+{ord(found[0]):04X}"
        yield f"{at.rstrip(':. ')}: contains {code}, which a manifest cannot contain; remove it, or encode the text"


def parse(model: type[M], data: object, where: str) -> M:
    """Return the validated data. ``where`` is the source in messages: ``slipway:``, or a file, ``catalog/x.yaml: ``.

    Raises:
        ConfigurationError: one line for each fault, with its dotted path.
    """
    if faults := list(_unwritable(data, where)):
        raise ConfigurationError(faults)
    try:
        return model.model_validate(data, by_name=False, by_alias=True)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, model, where)) from error
