"""Sends manifests to the real API server one at a time as dry runs, and returns what it would store."""

import json
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote

from components.api_client import ApiClient, ApiError
from tests.rendering import Object

SECONDS = 30
_QUERY = {"dryRun": "All", "fieldManager": "edges", "force": "true", "fieldValidation": "Strict"}


class Refused(Exception):
    """The API server refuses the manifest; the message is its own."""


@dataclass
class DryWriter:
    """Applies manifests in one namespace as dry runs."""

    client: ApiClient
    namespace: str
    _resources: dict[str, dict[str, Object]] = field(default_factory=dict[str, dict[str, Object]])

    def serves(self, manifest: Object) -> bool:
        """Return whether the API server knows the manifest's kind."""
        return manifest["kind"] in self._kinds(manifest["apiVersion"])

    def written(self, manifest: Object) -> Object:
        """Return the object that the API server would store.

        Raises:
            Refused: it refuses the manifest.
        """
        resource = self._kinds(manifest["apiVersion"])[manifest["kind"]]
        name = quote(manifest["metadata"]["name"], safe="")
        path, body = f"{_group(manifest['apiVersion'])}/{resource['name']}/{name}", manifest
        if resource["namespaced"]:
            body = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.namespace}}
            path = f"{_group(manifest['apiVersion'])}/namespaces/{self.namespace}/{resource['name']}/{name}"
        try:
            said = self.client.call("PATCH", path, body, query=_QUERY, seconds=SECONDS)
        except ApiError as error:
            raise Refused(str(error)) from error
        assert said is not None, f"{path}: not found"
        return cast("Object", json.loads(said))

    def _kinds(self, version: str) -> dict[str, Object]:
        if version not in self._resources:
            found = self.client.get(_group(version), seconds=SECONDS) or {"resources": []}
            self._resources[version] = {one["kind"]: one for one in found["resources"] if "/" not in one["name"]}
        return self._resources[version]


def _group(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
