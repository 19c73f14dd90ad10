"""JSON schemas of the files that users write, so that editors can complete and check them."""

from typing import Any, cast

from models.entry import CatalogueEntry
from models.stack import StackSettings

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def catalogue_schema() -> Schema:
    """Return the schema of ``catalog/<system>.yaml``."""
    described = cast("Schema", _readable(CatalogueEntry.model_json_schema(by_alias=True)))
    return {"$schema": _DIALECT, **described, "title": "A Slipway catalogue entry"}


def stack_schema() -> Schema:
    """Return the schema of ``Pulumi.<stack>.yaml``: ``slipway:`` and other namespaces' keys under ``config``."""
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
    """Drop pydantic's titles, which repeat the keys, and write default durations with a unit."""
    if isinstance(node, list):
        return [_readable(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    parts = cast("Schema", node)
    kept = {key: _readable(value) for key, value in parts.items() if key != "title" or not isinstance(value, str)}
    if parts.get("format") == "duration" and isinstance(parts.get("default"), int):
        kept["default"] = f"{parts['default']}s"
    if "patternProperties" in kept:
        kept.setdefault("additionalProperties", False)  # an invalid name as a map's key is a mistake too
    return kept
