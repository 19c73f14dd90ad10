"""``Pulumi.yaml``: where the project's stack files are, and what it configures for all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from delivery.stack_file.yaml_tree import Json, decoded, parsed

_NAMES = ("Pulumi.yaml", "Pulumi.yml")


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
        path = next((project / name for name in _NAMES if (project / name).is_file()), None)
        if path is None:
            return cls(project)
        data = parsed(decoded(path.read_bytes(), path.name)[1], path.name).data
        shared = cast("Json", data.get("config") or {})
        own = f"{data.get('name')}:"
        keys = frozenset(key if ":" in key else own + key for key in shared)
        return cls(project / str(data.get("stackConfigDir") or "."), keys)

    def stacks(self) -> list[str]:
        """Return the names of the stacks that have a file."""
        return sorted(path.stem.removeprefix("Pulumi.") for path in self.folder.glob("Pulumi.*.yaml"))
