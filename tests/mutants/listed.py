"""Lists all mutants: those in the YAML files of this folder, and one for each field of a slot."""

from pathlib import Path
from typing import cast

from catalog import yaml_document
from tests.mutants import fields
from tests.mutants.choice import Known
from tests.mutants.mutant import Mutant

FOLDER = Path(__file__).parent


Rows = dict[str, list[dict[str, str]]]
"""Rows by mutated file. The keys of a row are ``in`` (the scope), ``old``, ``new``, ``why`` and ``by``."""


def listed() -> list[Known]:
    """Return every mutant with the file that describes it."""
    found = [Known(one, f"tests/mutants/{Path(fields.__file__).name}") for one in fields.MUTANTS]
    for path in sorted(FOLDER.glob("*.yaml")):
        rows = cast("Rows", yaml_document.read(path.read_bytes(), path.name).checked().data)
        found += [
            Known(_mutant(file, row), f"tests/mutants/{path.name}") for file, every in rows.items() for row in every
        ]
    return found


def _mutant(file: str, row: dict[str, str]) -> Mutant:
    return Mutant(file, row.get("in", ""), row["old"], row["new"], row["why"], row.get("by", ""))
