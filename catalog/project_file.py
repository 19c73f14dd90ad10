"""``Pulumi.yaml``: where the project's stack files are, and what it configures for all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from catalog import yaml_document
from models.errors import ConfigurationError

_NAME = "Pulumi.yaml"
SETTINGS = ("config", "slipway:")
"""The part of a project file or stack file that Slipway reads, as arguments of ``Document.checked``."""


@dataclass(frozen=True)
class ProjectFile:
    """What a project file says about stack files. Source: https://www.pulumi.com/docs/iac/concepts/projects/project-file/."""

    folder: Path
    """The folder of the stack files (``stackConfigDir``)."""
    keys: frozenset[str] = frozenset()
    """The keys that it configures for all stacks, with their namespace: ``slipway:tracing``."""

    @classmethod
    def read(cls, project: Path) -> Self:
        """Read the project file in a folder; raises ConfigurationError with one line for each fault."""
        path = project / _NAME
        if not path.is_file():
            return cls(project)
        data = yaml_document.read(path.read_bytes(), _NAME).checked(*SETTINGS).data
        shared: object = data.get("config") or {}
        if isinstance(shared, str):  # an older spelling of stackConfigDir
            return cls(project / shared)
        if not isinstance(shared, dict):
            raise ConfigurationError([f"{_NAME}: config: must be a map of keys and values"])
        own = f"{data.get('name')}:"
        keys = frozenset(key if ":" in key else own + key for key in cast("dict[str, Any]", shared))
        return cls(project / str(data.get("stackConfigDir") or "."), keys)

    def stack_file(self, stack: str) -> Path:
        """Return the path of a stack's file."""
        return self.folder / f"Pulumi.{stack}.yaml"

    def stacks(self) -> list[str]:
        """Return the names of the stacks that have a file."""
        return sorted(path.stem.removeprefix("Pulumi.") for path in self.folder.glob("Pulumi.*.yaml"))
