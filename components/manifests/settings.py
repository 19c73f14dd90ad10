"""What a slot's pods read from ConfigMaps: the server's settings, and the payload's own configuration files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from components import names
from models.files import ConfigFiles
from models.service import ServiceSpec

FILE = "settings.json"


@dataclass(frozen=True, kw_only=True)
class Content:
    """The data of a ConfigMap. Its hash is part of the object's name if new content must create a new object."""

    data: Mapping[str, str]

    @property
    def content_hash(self) -> str:
        """The short hash that pods report as their configuration."""
        return names.content_hash(json.dumps(self.data, sort_keys=True))


def settings_file(spec: ServiceSpec) -> Content | None:
    """Return the settings that Slipway's own server reads at start, or None for another server."""
    server, model = spec.owned, spec.model
    if server is None:
        return None
    content = {
        "queueLimit": server.queue_limit,
        "requestTimeoutSeconds": spec.drain.request_timeout,
        "drainSeconds": spec.drain.drain,
        "logLevel": server.log_level,
        "topK": server.top_k,
        "variant": server.variant,
    }
    if model:
        content |= {"modelName": model.name, "modelPath": model.path}
    return Content(data={FILE: json.dumps(content, indent=2, sort_keys=True) + "\n"})


def config_files(spec: ServiceSpec) -> Content | None:
    """Return the payload's configuration files in a slot, or None."""
    return Content(data=spec.files.files) if spec.files else None


def config_map_name(service: str, slot: str, settings: Content) -> str:
    """Return the name of the settings' ConfigMap, from slot and content."""
    return names.joined(service, slot, settings.content_hash)


def files_map_name(service: str, slot: str, files: ConfigFiles, content: Content) -> str:
    """Return the name of the files' ConfigMap, which contains the content's hash if a change must start a rollout."""
    own = (service, slot, "files")
    return names.joined(*own, content.content_hash) if files.on_change == "rollout" else names.joined(*own)
