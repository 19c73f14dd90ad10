"""The model server's settings file, and the ConfigMap that carries it."""

import json
from dataclasses import dataclass

from components import names
from models.server import ServerSettings
from models.service import ServiceSpec

FILE = "settings.json"
FOLDER = "/etc/slipway"


@dataclass(frozen=True, kw_only=True)
class SettingsFile:
    """A rendered settings file; its hash names the ConfigMap, so other content is another object."""

    text: str

    @property
    def content_hash(self) -> str:
        """The short hash that pods report as their configuration."""
        return names.content_hash(self.text)


def settings_file(spec: ServiceSpec, override: ServerSettings | None) -> SettingsFile:
    """Render what a slot's server reads at start; a release's own settings replace the entry's."""
    server = override or spec.server
    content = {
        "modelName": spec.model.name,
        "modelPath": spec.model.path,
        "queueLimit": server.queue_limit,
        "requestTimeoutSeconds": spec.drain.request_timeout,
        "drainSeconds": spec.drain.drain,
        "logLevel": server.log_level,
        "topK": server.top_k,
    }
    return SettingsFile(text=json.dumps(content, indent=2, sort_keys=True) + "\n")


def config_map_name(service: str, slot: str, file: SettingsFile) -> str:
    """Name the ConfigMap by slot and content."""
    return names.joined(service, slot, file.content_hash)
