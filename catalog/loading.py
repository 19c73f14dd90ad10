"""Load what a stack runs: its catalogue entry and the revisions of its slots."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import catalog
from catalog import revisions, yaml_document
from catalog.fault_lines import located
from catalog.project_file import SETTINGS, ProjectFile
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.parsing import parse
from models.revision import Revision
from models.stack import StackSettings, refuse_own_source


@dataclass(frozen=True)
class Given:
    """The configuration of a stack as an update gets it."""

    values: Mapping[str, object]
    """The ``slipway:`` namespace as plain data, by key without the namespace."""
    project: Path
    stack: str

    def load(self) -> tuple[StackSettings, CatalogueEntry, dict[str, Revision]]:
        """Validate the values, and load the files that they name.

        Raises:
            ConfigurationError: one line for each fault.
        """
        file = self._stack_file()
        if file.is_file():  # Pulumi has already changed the values that readers of YAML understand differently
            yaml_document.read(file.read_bytes(), file.name).checked(*SETTINGS)
        stack = parse(StackSettings, self.values, "slipway:")
        refuse_own_source(self.stack, stack)
        entry = catalog.entry(stack.system.entry)
        return stack, entry, revisions.read(self.project, stack)

    def located(self, error: ConfigurationError) -> list[str]:
        """Return the faults with their files and lines."""
        with suppress(ConfigurationError):
            return located(error.faults, self.values, self._stack_file(), catalog.FOLDER)
        return [*error.faults]

    def _stack_file(self) -> Path:
        return ProjectFile.read(self.project).stack_file(self.stack)
