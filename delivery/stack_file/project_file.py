"""``Pulumi.yaml``: where the project's stack files are, and what it configures for all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from delivery.errors import Unreadable
from delivery.stack_file.yaml_tree import Json, decoded, parsed

_NAME = "Pulumi.yaml"


@dataclass(frozen=True)
class ProjectFile:
    """What a project file says about stack files. Source: https://www.pulumi.com/docs/iac/concepts/projects/project-file/."""

    folder: Path
    """The folder of the stack files (``stackConfigDir``)."""
    keys: frozenset[str] = frozenset()
    """The keys that it configures for all stacks, with their namespace: ``slipway:tracing``."""

    @classmethod
    def read(cls, project: Path) -> Self:
        """Read the project file in a folder; raises Unreadable with one line that names the file and the line."""
        path = project / _NAME
        if not path.is_file():
            return cls(project)
        data = parsed(decoded(path.read_bytes(), _NAME)[1], _NAME).data
        shared: object = data.get("config") or {}
        if isinstance(shared, str):  # an older spelling of stackConfigDir
            return cls(project / shared)
        if not isinstance(shared, dict):
            raise Unreadable(f"{_NAME}: config: must be a map of keys and values")
        own = f"{data.get('name')}:"
        keys = frozenset(key if ":" in key else own + key for key in cast("Json", shared))
        return cls(project / str(data.get("stackConfigDir") or "."), keys)

    def stacks(self) -> list[str]:
        """Return the names of the stacks that have a file."""
        return sorted(path.stem.removeprefix("Pulumi.") for path in self.folder.glob("Pulumi.*.yaml"))
