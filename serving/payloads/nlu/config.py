"""config.json: settings of a running model that can change without a new build."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

MOST_CHARACTERS = 4096
"""Highest `max_length`. The work on a text with subjects grows with the square of its length."""
Share = Annotated[float, Field(ge=0, le=1)]
Label = Annotated[str, Field(min_length=1, max_length=60)]


class ConfigError(ValueError):
    """The file is invalid; the message is one line that names file, key and rule."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class Thresholds(_Strict):
    """Lowest scores, 0 to 1, of the parts of an answer."""

    span: Share = Field(default=0.5, description="Lowest score of a span; others are left out.")
    relation: Share = Field(default=0.5, description="Lowest score of a span inside another span's schema.")
    choice: Share = Field(default=0.0, description="Lowest score of a whole text's label; below it, the label is null.")


class Config(_Strict):
    """The settings. All keys have defaults; unknown keys are rejected, to catch typos."""

    thresholds: Thresholds = Thresholds()
    max_length: Annotated[int, Field(ge=1, le=MOST_CHARACTERS)] = Field(
        default=512, description="Characters of a text; a longer one is refused."
    )
    lower_case: bool = Field(default=False, description="Ignore the case of texts and names.")
    synonyms: Mapping[Label, Label] = Field(
        default_factory=dict[str, str], description="Other words for labels, each with a label that the model knows."
    )


def read(content: bytes, where: str) -> Config:
    """Read the file.

    Raises:
        ConfigError: the file is not a JSON object, has an unknown key, or has a value outside its limits.
    """
    try:
        return Config.model_validate_json(content)
    except ValidationError as error:
        raise ConfigError(f"{where}: {'; '.join(_fault(detail) for detail in error.errors())}") from error


def _fault(detail: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key}: unknown key; known keys: {', '.join(_keys())}"
    return f"{key}: {detail['msg']}" if key else str(detail["msg"])


def _keys() -> list[str]:
    nested = [f"thresholds.{name}" for name in Thresholds.model_fields]
    return [*nested, *(to_camel(name) for name in Config.model_fields if name != "thresholds")]
