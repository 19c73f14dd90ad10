"""The files in revisions/: written before a stack file names them, deleted when no stack file names them any more."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

import yaml

from catalog import revisions
from delivery.errors import DeliveryError
from delivery.stack_file.atomic_write import write
from models.delivery import ServiceDelivery
from models.errors import ConfigurationError
from models.release import TREE, ServiceRelease
from models.revision import FOLDER, Revision

_NAMED = re.compile(rb"\brevision: ['\"]?([0-9a-f]{16})\b")


class Revisions:
    """The revisions of one project. A new revision stays in memory until a stack file that names it is written."""

    def __init__(self, project: Path, stack_files: Path) -> None:
        """Use the files of a project whose stack files are in the folder ``stack_files``."""
        self._project, self._stack_files = project, stack_files
        self._known: dict[str, Revision] = {}

    def add(self, revision: Revision) -> str:
        """Keep a revision in memory and return its name. A known revision that is equal keeps its name."""
        same = (name for name, known in self._known.items() if known == revision)
        name = next(same, revision.name)
        self._known[name] = revision
        return name

    def get(self, name: str) -> Revision:
        """Return a revision; raise DeliveryError if its file is missing or edited."""
        if name not in self._known:
            try:
                self._known[name] = revisions.one(self._project, name, f"revision {name}")
            except ConfigurationError as error:
                raise DeliveryError(str(error)) from error
        return self._known[name]

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return the names that have neither a file nor a revision in memory."""
        return {n for n in names if n not in self._known and not (self._project / FOLDER / f"{n}.yaml").is_file()}

    def take(self, found: Mapping[str, Revision]) -> None:
        """Keep revisions from another checkout in memory."""
        self._known |= found

    def write(self, names: Iterable[str]) -> None:
        """Write the files that do not exist yet."""
        folder = self._project / FOLDER
        for name in names:
            path = folder / f"{name}.yaml"
            if name in self._known and not path.is_file():
                folder.mkdir(exist_ok=True)
                write(path, yaml.safe_dump(self._known[name].document(), allow_unicode=True, sort_keys=True))

    def drop(self, names: Iterable[str]) -> None:
        """Delete the files that no stack file of the project names."""
        dropped = set(names)
        for path in self._stack_files.glob("Pulumi.*.yaml") if dropped else ():
            dropped.difference_update(named(path.read_bytes()))
        for name in dropped:
            (self._project / FOLDER / f"{name}.yaml").unlink(missing_ok=True)


def names_in(release: ServiceRelease, delivery: ServiceDelivery) -> set[str]:
    """Return the names of the revisions in a service's release and record."""
    return {name for model in (release, delivery) for name in _below(model.document()) if name != TREE}


def _below(node: object) -> Iterator[str]:
    """Yield each value of a ``revision`` key."""
    if isinstance(node, Mapping):
        for key, value in cast("Mapping[str, object]", node).items():
            yield from (cast("str", value),) if key == "revision" else _below(value)
    elif isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _below(item)


def named(text: bytes) -> Iterator[str]:
    """Yield the names of the revisions in the text of a stack file."""
    return (name.decode() for name in _NAMED.findall(text))
