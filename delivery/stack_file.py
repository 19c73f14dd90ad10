"""The stack file as the record of releases: read whole, written atomically, comments kept.

The file is written before each act. A rename within one folder is atomic and the content is synced first, so a driver
that is killed, or a machine that loses power, leaves either the record before or the one after.
"""

import os
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel
from ruamel.yaml import YAML

from delivery.errors import DeliveryError
from models.delivery import ServiceDelivery
from models.release import ServiceRelease

RELEASE, DELIVERY = "slipway:release", "slipway:delivery"
_OURS = "slipway:"
_HIDDEN = "{}"
"""Stands for an encrypted value: the driver needs no secret, only the rest of the file to be valid."""
_WIDE = 4096
"""Characters per line: a digest must not be folded."""


class StackFile:
    """``Pulumi.<stack>.yaml``."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise DeliveryError(f"{path.name}: no such stack file; `slipway status` needs a stack of this project")
        self.path = path

    def values(self) -> dict[str, object]:
        """The ``slipway:`` namespace; encrypted values are hidden."""
        config = cast("dict[str, object]", _plain(self._read().get("config", {})))
        return {key.removeprefix(_OURS): value for key, value in config.items() if key.startswith(_OURS)}

    def write(self, service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
        """Declare a service's release and its record in one step."""
        document = self._read()
        config = document.setdefault("config", {})
        config.setdefault(RELEASE, {})[service] = _data(release, "live", "weight")
        config.setdefault(DELIVERY, {})[service] = _data(delivery)
        fresh = self.path.with_name(f".{self.path.name}.new")
        with fresh.open("w") as stream:
            _yaml().dump(document, stream)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.path)

    def _read(self) -> dict[str, Any]:
        return cast("dict[str, Any]", _yaml().load(self.path) or {})


def _yaml() -> Any:  # noqa: ANN401 -- ruamel's types are unknown to the checker
    """Give a reader and writer for one use: they keep state, and the gate reads while an update runs."""
    yaml = YAML()
    yaml.width = _WIDE
    yaml.preserve_quotes = True
    return yaml


def _data(model: BaseModel, *always: str) -> dict[str, Any]:
    """Give a model as YAML data: what differs from the defaults, and fields that a reader looks for."""
    said = model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {**model.model_dump(mode="json", by_alias=True, include=set(always)), **said}


def _plain(node: object) -> object:
    """Give plain data without ruamel's own types, encrypted values hidden."""
    if isinstance(node, dict):
        found = {str(key): value for key, value in cast("dict[object, object]", node).items()}
        return _HIDDEN if found.keys() == {"secure"} else {key: _plain(value) for key, value in found.items()}
    if isinstance(node, list):
        return [_plain(item) for item in cast("list[object]", node)]
    return str(node) if isinstance(node, str) else node
