"""The base class that every configuration model shares."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value whose keys are camelCase in YAML and snake_case in Python.

    Unknown keys are errors, because neither Pulumi nor pulumi-kubernetes rejects a mistyped key.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def document(self) -> dict[str, Any]:
        """Return the model as JSON data under its YAML keys, without the values that are None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
