"""From plain data, as YAML or JSON gives it, to a validated model."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from models.errors import ConfigurationError, faults_of

M = TypeVar("M", bound=BaseModel)


def decoded(text: str) -> object:
    """Give a configuration value as plain data: Pulumi hands structured ones over as JSON, and the others as text."""
    try:
        return json.loads(text) if text.startswith(("{", "[")) else text
    except (ValueError, RecursionError):
        return text  # its model says what should stand there


def below(prefix: str, values: Mapping[str, object]) -> dict[str, object]:
    """Give the values of one namespace as plain data, under their names in it."""
    return {key.removeprefix(prefix): decoded(str(value)) for key, value in values.items() if key.startswith(prefix)}


def parse(model: type[M], data: object, where: str) -> M:
    """Validate data that came from ``where``: ``slipway:``, or a file as in ``catalog/x.yaml: ``.

    Raises:
        ConfigurationError: one line for each fault, with its dotted path.
    """
    try:
        return model.model_validate(data, by_name=False, by_alias=True)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, model, where)) from error
