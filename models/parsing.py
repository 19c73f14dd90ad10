"""From plain data, as YAML or JSON gives it, to a validated model."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from models.errors import ConfigurationError, faults_of

M = TypeVar("M", bound=BaseModel)


def parse(model: type[M], data: object, where: str) -> M:
    """Validate data that came from ``where`` (a file, or a configuration namespace).

    Raises:
        ConfigurationError: one line for each fault, with its dotted path.
    """
    try:
        return model.model_validate(data, by_name=False, by_alias=True)
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, model, where)) from error
