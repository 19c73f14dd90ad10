"""A revision: everything that a slot runs beside its image, unchangeable and named by its hash.

A slot that names one runs it, whatever becomes of its catalogue entry. It lies in a file of its own beside the stack
file: the engine hands a stack's whole configuration over in one environment variable of 128 KiB, and a release may
bring 900 kB of files. So everything else (slots, verdicts, the history) refers to it by its hash.
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
"""Beside the stack file; each file is ``<hash>.yaml``."""


class Revision(Model):
    """What a slot runs beside its image."""

    spec: SlotSpec = Field(description="what the catalogue entry gave in this environment")
    model: ModelVersion | None = Field(default=None, description="the release's own, as the next three; they travel on")
    server: ServerSettings | None = None
    files: Files | None = Field(default=None, description="each replaces the entry's of its name")

    @classmethod
    def of(cls, spec: ServiceSpec, content: SlotRelease) -> "Revision":
        """Give what a slot with this content runs where the entry says ``spec``."""
        return cls(spec=spec.of_slot, model=content.model, server=content.server, files=content.files)

    @property
    def content(self) -> SlotRelease:
        """The part that goes with its image to the next environment, which has an entry of its own."""
        return SlotRelease(model=self.model, server=self.server, files=self.files)

    @property
    def whole(self) -> SlotSpec:
        """Give the entry's part with the release's own put in its place."""
        spec = self.spec
        model = spec.model.at(self.model) if spec.model else None
        files = spec.files
        if files is not None:
            files = files.model_copy(update={"files": {**files.files, **(self.files or {})}})
        return spec.model_copy(update={"model": model, "server": self.server or spec.server, "files": files})

    def changes(self, spec: SlotSpec) -> dict[str, tuple[object, object]]:
        """Return what changes where the entry says ``spec`` instead: dotted path to (now, then); None = not set."""
        now, then = self.whole, self.model_copy(update={"spec": spec}).whole
        left, right = (
            dict(_leaves(one.model_dump(mode="json", by_alias=True, context=STORED), "")) for one in (now, then)
        )
        paths = sorted(path for path in left.keys() | right.keys() if left.get(path) != right.get(path))
        return {path: (left.get(path), right.get(path)) for path in paths}

    def document(self) -> dict[str, Any]:
        """Give it as it is stored; :class:`Revision` reads it again."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, context=STORED)

    @property
    def name(self) -> str:
        """Its hash."""
        return hashed(self.document())


def _leaves(node: object, at: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, Mapping) and node:
        for key, value in cast("Mapping[str, object]", node).items():
            yield from _leaves(value, f"{at}.{key}" if at else key)
    elif node not in (None, {}):
        yield at, node
