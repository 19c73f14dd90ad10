"""Another value for each field of a service that reaches a slot; a new field without one fails its test."""

from typing import Any

from models.entry import CatalogueEntry
from tests.samples import Config, accepted, entry, service, store

CANARY: Config = {"strategy": "canary"}
BASE: Config = service(
    route={"host": "web.example.com"},
    release=CANARY,
    files={"files": {"a.txt": "one"}},
    calls=["cache"],
    secrets=["keys"],
    mounts={"data": "/data"},
)
EDITED: dict[str, Any] = {
    "image": "other",
    "port": 5001,
    "args": ["digits", "--fast"],
    "env": {"BATCH": "8"},
    "secrets": ["keys", "more"],
    "calls": ["cache", "queue"],
    "model": {"name": "digits", "uri": "file:///opt/slipway/other"},
    "files": {"files": {"a.txt": "two"}},
    "mounts": {"data": "/elsewhere"},
    "scratch": "96Mi",
    "sharedMemory": "128Mi",
    "pods": {"labels": {"team": "vision"}},
    "externals": ["billing"],
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "3Gi"}},
    "scaling": {"minReplicas": 3, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}}},
    "server": {"topK": 7},
    "health": {"ready": "/other"},
    "rollout": {"maxSurge": 2},
    "drain": {"preStop": "7s"},
    "disruption": {"minAvailable": 1},
    "scheduling": {"priorityClass": "high"},
    "account": {"permissions": [{"resources": ["configmaps"], "verbs": ["get"]}]},
}
"""Another value for each field that reaches a slot."""


def catalogue(**edits: object) -> CatalogueEntry:
    """An entry whose one service is edited so."""
    data = entry(
        images={name: {"context": "serving"} for name in ("server", "other")},
        services={"web": {**BASE, **edits}},
        stores={name: store() for name in ("cache", "queue")},
        secrets={"keys": {"keys": ["A"]}, "more": {"keys": ["B"]}},
        volumes={"data": {"size": "1Gi", "access": "ReadWriteMany"}},
    )
    return accepted(CatalogueEntry, data)
