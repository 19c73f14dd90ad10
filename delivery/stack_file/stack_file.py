"""The stack file as the record of releases: read anew each time, changed by key, replaced in one step.

The driver writes the file before each action. The new content is synced and then renamed within one folder, which is
atomic. A driver that is killed, or a machine that loses power, therefore leaves either the old record or the new one.

People and other jobs may edit the file at the same time. Each write starts from the current content of the file and
changes only the service's own keys. If somebody else changed the same keys, the write raises :class:`Conflict`.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from catalog.encryption import has_encrypted, is_encrypted
from catalog.project_file import SETTINGS
from catalog.yaml_document import Document
from delivery.errors import Conflict, DeliveryError
from delivery.stack_file import merge_by_key, yaml_edit
from delivery.stack_file.atomic_write import locked, replaced
from delivery.stack_file.document import Json, document
from delivery.stack_file.merge_by_key import CONFIG, DELIVERY, RELEASE
from models.delivery import ServiceDelivery
from models.parsing import decoded as from_text
from models.release import ServiceRelease

RECORD_FOLDERS = ("revisions",)
"""Folders beside the stack file whose files belong to the record; a pipeline pushes them with it (templates/ci.sh)."""
OURS = "slipway:"
_HIDDEN = "{}"
"""Placeholder for an encrypted value: the driver needs no secrets, only a file that is otherwise valid."""
_TRIES, _PAUSE_SECONDS = 20, 0.05
"""Attempts to read an empty or invalid file while a driver works, because an editor may be writing it in place."""


class StackFile:
    """``Pulumi.<stack>.yaml``."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DeliveryError(f"{path.name}: no such stack file; `slipway status` requires a stack of this project")
        self.path = path
        self._last: tuple[bytes, Document] | None = None
        """Bytes and document as last read or written."""
        self._watched: dict[str, Json] = {}
        """Service → the data that its driver last read or wrote."""
        self._turn = threading.RLock()
        """Needed because the gate reads while an update runs in another thread."""

    def tree(self) -> Document:
        """Return the current document; the same object while the file does not change.

        Raises:
            DeliveryError: the file is not valid YAML; the one-line message names the file and the line.
            Conflict: somebody else changed keys that a driver watches.
        """
        with self._turn:
            tree = self._read()[1]
            for service, known in self._watched.items():
                self._refuse_foreign(service, known, tree.data)
            return tree

    def values(self) -> dict[str, object]:
        """Return the ``slipway:`` namespace with encrypted values hidden.

        Raises:
            ConfigurationError: one line for each value that readers of YAML understand differently.
        """
        self.tree().checked(*SETTINGS)
        return {key.removeprefix(OURS): _read_value(_hidden(value)) for key, value in self._ours().items()}

    def needs_pulumi(self) -> bool:
        """Return whether only Pulumi can read a value: from an ESC environment, or encrypted outside of Secrets."""
        secrets = "slipway:secrets"
        settings = [value for key, value in self._ours().items() if key != secrets or is_encrypted(value)]
        return bool(self.tree().data.get("environment")) or any(map(has_encrypted, settings))

    def text_keys(self) -> list[str]:
        """Return which keys of releases are stored as text or encrypted, so that they cannot be edited in place."""
        found = (key for key, value in self._ours().items() if key in (RELEASE, DELIVERY) and not _is_map(value))
        return [key.removeprefix(OURS) for key in found]

    def others(self) -> Json:
        """Return the ESC environments and all ``slipway:`` values as written, except the keys that `slipway` writes."""
        kept = {key: value for key, value in self._ours().items() if key not in (RELEASE, DELIVERY)}
        return {"environment": self.tree().data.get("environment"), **kept}

    def _ours(self) -> Json:
        return {key: value for key, value in self.tree().config().items() if key.startswith(OURS)}

    @contextmanager
    def watched(self, service: str) -> Generator[None]:
        """Make reads and writes raise Conflict if somebody else changes the service's release or its run."""
        self._watched[service] = self.tree().data
        try:
            yield
        finally:
            del self._watched[service]

    def write(self, service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
        """Write a service's release and its record in one step.

        Raises:
            Conflict: somebody else changed the same values after they were read; nothing was written.
        """
        with self._turn, locked(self.path):
            known = self._watched.get(service) or (self._last or self._read())[1].data
            while True:
                raw, tree = self._read()
                ours = _with(known, service, _data(release, "live", "weight"), _data(delivery))
                found = merge_by_key.merged(_only(known, service), _only(ours, service), _only(tree.data, service))
                if found.clashes:
                    raise self._conflict(service, merge_by_key.told(found.clashes))
                agreed = cast("Json", found.data[CONFIG])
                data = _with(tree.data, service, agreed[RELEASE][service], agreed[DELIVERY][service])
                fresh = yaml_edit.rewritten(tree, data)
                if replaced(self.path, fresh.raw, expected=raw):
                    self._last = fresh.raw, fresh
                    if service in self._watched:
                        self._watched[service] = data
                    return

    def _read(self) -> tuple[bytes, Document]:
        for left in reversed(range(_TRIES if self._watched else 1)):
            try:
                raw = self.path.read_bytes()
                if self._last is not None and self._last[0] == raw:
                    return self._last
                if raw.strip() or not left:
                    self._last = raw, document(raw, self.path.name)
                    return self._last
            except (DeliveryError, FileNotFoundError):
                if not left:
                    raise
            time.sleep(_PAUSE_SECONDS)
        raise AssertionError

    def _refuse_foreign(self, service: str, known: Json, now: Json) -> None:
        was, found = merge_by_key.unit(known, service), merge_by_key.unit(now, service)
        if lines := list(merge_by_key.unit_differences(was, was, found)):
            raise self._conflict(service, merge_by_key.told(lines))

    def _conflict(self, service: str, said: str) -> Conflict:
        stack = self.path.stem.removeprefix("Pulumi.")
        return Conflict(f"{stack} {service}: another person or process has changed {self.path.name}: {said}")


def _with(data: Json, service: str, release: object, delivery: object) -> Json:
    """Return a stack file's data with a service's two keys replaced; all other values are the same objects."""
    config = _section(data, CONFIG)
    release, delivery = (
        {**_section(config, key), service: one} for key, one in ((RELEASE, release), (DELIVERY, delivery))
    )
    return {**data, CONFIG: {**config, RELEASE: release, DELIVERY: delivery}}


def _only(data: Json, service: str) -> Json:
    """Return only a service's two keys of a stack file's data."""
    sections = {key: _section(_section(data, CONFIG), key) for key in (RELEASE, DELIVERY)}
    return {CONFIG: {key: {service: one[service]} if service in one else {} for key, one in sections.items()}}


def _section(data: Json, key: str) -> Json:
    found = data.get(key)
    return cast("Json", found) if isinstance(found, dict) else dict[str, Any]()


def _data(model: BaseModel, *always: str) -> dict[str, Any]:
    """Return a model as YAML data: the fields that differ from their defaults, and those in ``always``."""
    said = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {**model.model_dump(mode="json", by_alias=True, include=set(always)), **said}


def _read_value(value: object) -> object:
    """Return a value as an update reads it: Pulumi passes text, and a map or list may be stored as JSON."""
    if value is None or isinstance(value, dict | list):
        return cast("object", value)
    return from_text(str(value))


def _is_map(node: object) -> bool:
    return isinstance(node, dict) and not is_encrypted(cast("object", node))


def _hidden(node: object) -> object:
    """Return data with encrypted values hidden."""
    if isinstance(node, dict):
        found = cast("Json", node)
        return _HIDDEN if is_encrypted(found) else {key: _hidden(value) for key, value in found.items()}
    if isinstance(node, list):
        return [_hidden(item) for item in cast("list[object]", node)]
    return node
