"""JSON schemas of the files that people write, so that their editors complete and check them."""

from typing import Any, cast

from models.entry import CatalogueEntry
from models.stack import StackSettings

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def catalogue_schema() -> Schema:
    """Describe ``catalog/<system>.yaml``."""
    described = cast("Schema", _readable(CatalogueEntry.model_json_schema(by_alias=True)))
    return {"$schema": _DIALECT, **described, "title": "A Slipway catalogue entry"}


def stack_schema() -> Schema:
    """Describe ``Pulumi.<stack>.yaml``: the ``slipway:`` keys below ``config``, beside keys of other namespaces."""
    described = cast("Schema", _readable(StackSettings.model_json_schema(by_alias=True)))
    keys = {f"slipway:{key}": value for key, value in described["properties"].items()}
    config: Schema = {
        "type": "object",
        "properties": keys,
        "patternProperties": {"^(?!slipway:)": {}},
        "additionalProperties": False,
        "required": [f"slipway:{key}" for key in described["required"]],
    }
    return {
        "$schema": _DIALECT,
        "title": "A Slipway stack file",
        "type": "object",
        "properties": {"config": config},
        "required": ["config"],
        "$defs": described["$defs"],
    }


def _readable(node: object) -> object:
    """Drop pydantic's titles, which repeat the key, and write default durations as people do."""
    if isinstance(node, list):
        return [_readable(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    parts = cast("Schema", node)
    kept = {key: _readable(value) for key, value in parts.items() if key != "title" or not isinstance(value, str)}
    if parts.get("format") == "duration" and isinstance(parts.get("default"), int):
        kept["default"] = f"{parts['default']}s"
    if "patternProperties" in kept:
        kept.setdefault("additionalProperties", False)  # a map's key that is no name is a mistake too
    return kept
