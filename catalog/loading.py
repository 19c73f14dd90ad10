"""Load what a stack runs: its catalogue entry and the revisions of its slots."""

from collections.abc import Mapping
from pathlib import Path

import catalog
from catalog import revisions
from models.entry import CatalogueEntry
from models.parsing import parse
from models.revision import Revision
from models.stack import StackSettings


def load(values: Mapping[str, object], project: Path) -> tuple[StackSettings, CatalogueEntry, dict[str, Revision]]:
    """Validate a stack's ``slipway:`` namespace, given as plain data, and load the files that the stack names.

    Raises:
        ConfigurationError: one line for each fault.
    """
    stack = parse(StackSettings, values, "slipway:")
    entry = parse(CatalogueEntry, catalog.read(stack.system.entry), f"catalog/{stack.system.entry}.yaml: ")
    return stack, entry, revisions.read(project, stack)
