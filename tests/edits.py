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
AMOUNTS = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "20m", "memory": "32Mi"}}
EDITED: dict[str, Any] = {
    "image": "other",
    "managementPort": 9090,
    "port": 5001,
    "command": ["gunicorn"],
    "appProtocol": "http",
    "ports": {"grpc": 9000},
    "user": 1001,
    "home": {"path": "/srv/app"},
    "writable": {"/var/cache/app": "1Mi"},
    "fileMounts": {"/app/config.toml": {"text": "a"}, "/run/a": {"secret": "keys", "key": "A"}},
    "sidecars": [{"name": "auth", "resources": AMOUNTS}],
    "init": [{"name": "migrate", "resources": AMOUNTS}],
    "podSecurity": {"standard": "baseline", "why": "it changes owners", "capabilities": ["CHOWN"]},
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
