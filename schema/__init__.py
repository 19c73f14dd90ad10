"""The committed JSON schemas: made from ``models`` by ``make schema``, checked for staleness by ``make test``."""

import json
from pathlib import Path

from models.schema import catalogue_schema, stack_schema

FOLDER = Path(__file__).parent


def texts() -> dict[str, str]:
    """Return the name and the expected content of each schema file."""
    schemas = {"catalog.schema.json": catalogue_schema(), "stack.schema.json": stack_schema()}
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas.items()}
