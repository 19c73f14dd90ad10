"""What the program registered, as the API server would get it: plain Kubernetes manifests."""

import json
from collections.abc import Iterable
from typing import Any, cast

from tests.recording import Recorded

Object = dict[str, Any]

CUSTOM = ("keda.sh", "external-secrets.io")
"""API groups that no cluster of the tests serves: their operators are the user's own."""


def objects(run: Recorded) -> list[Object]:
    """Return every manifest of a run as plain data, the Namespace first; secrets stand in it as they are."""
    manifests = [cast("Object", _plain(resource.inputs)) for resource in run.manifests]
    return sorted(manifests, key=lambda manifest: manifest["kind"] != "Namespace")


def served(manifests: Iterable[Object]) -> list[Object]:
    """Leave out the Namespace, and kinds whose operators the tests' cluster does not have."""
    return [
        manifest
        for manifest in manifests
        if manifest["kind"] != "Namespace" and not manifest["apiVersion"].startswith(CUSTOM)
    ]


def as_json(manifests: Iterable[Object]) -> str:
    """Write manifests as one List, as ``kubectl apply -f -`` and kube-score read them.

    Not as YAML: Go reads plain text such as ``7918e27`` or ``y`` as something else than text, Python does not.
    """
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})


def _plain(value: object) -> object:
    """Turn text of our own types into text, and leave out keys that were given no value."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        return {str(key): _plain(item) for key, item in pairs.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return str(value) if isinstance(value, str) else value
