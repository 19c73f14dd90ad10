"""A revision: everything that a slot runs besides its image, immutable and named by its hash.

A slot that names a revision runs it even after the catalogue entry has changed. Each revision is a file next to the
stack file. A revision is not part of the configuration, because Pulumi passes the whole configuration in one
environment variable of at most 128 KiB, and the files of a release can reach 900 kB. Slots, verdicts and history refer
to a revision by its hash.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import Field

from models.base import Model
from models.delivery import hashed
from models.files import Files
from models.model import ModelVersion
from models.release import SlotRelease
from models.server import ServerSettings
from models.service import ServiceSpec, SlotSpec
from models.vocabulary import STORED

FOLDER = "revisions"
"""A folder next to the stack file. Each file in it is ``<hash>.yaml``."""


class Revision(Model):
    """What a slot runs besides its image."""

    spec: SlotSpec = Field(description="values of the catalogue entry in this environment")
    model: ModelVersion | None = Field(default=None, description="model of the release; promoted with the image")
    server: ServerSettings | None = Field(default=None, description="settings of the server; none = the entry's")
    files: Files | None = Field(default=None, description="files that replace the entry's files of the same names")

    @classmethod
    def of(cls, spec: ServiceSpec, content: SlotRelease) -> "Revision":
        """Return the revision of a slot with this content, given the service's current specification."""
        return cls(spec=spec.of_slot, model=content.model, server=content.server, files=content.files)

    @property
    def content(self) -> SlotRelease:
        """The part that a promotion carries to the next environment; the rest comes from the entry there."""
        return SlotRelease(model=self.model, server=self.server, files=self.files)

    @property
    def whole(self) -> SlotSpec:
        """The entry's values, overridden by those that the release set."""
        spec = self.spec
        model = spec.model.at(self.model) if spec.model else None
        files = spec.files
        if files is not None:
            files = files.model_copy(update={"files": {**files.files, **(self.files or {})}})
        return spec.model_copy(update={"model": model, "server": self.server or spec.server, "files": files})

    def changes(self, spec: SlotSpec) -> dict[str, tuple[object, object]]:
        """Return the values that ``spec`` would change: dotted path → (now, then); None = not set."""
        now, then = self.whole, self.model_copy(update={"spec": spec}).whole
        left, right = (
            dict(_leaves(one.model_dump(mode="json", by_alias=True, context=STORED), "")) for one in (now, then)
        )
        paths = sorted(path for path in left.keys() | right.keys() if left.get(path) != right.get(path))
        return {path: (left.get(path), right.get(path)) for path in paths}

    def document(self) -> dict[str, Any]:
        """Return the content of the file. Validating this content yields the same revision."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, context=STORED)

    @property
    def name(self) -> str:
        """The hash of the content."""
        return hashed(self.document())


def _leaves(node: object, at: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, Mapping) and node:
        for key, value in cast("Mapping[str, object]", node).items():
            yield from _leaves(value, f"{at}.{key}" if at else key)
    elif node not in (None, {}):
        yield at, node
