"""Configurations that use every field, so that a value can be put into each of them.

Names are unique across both files: a name is replaced wherever it stands, so that references still resolve.
"""

import copy
import json

from tests.edges.containers import BUILDS, GUEST, profile
from tests.edges.containing import HUB, HUB_MANIFEST
from tests.edges.parts import API, JOB, SPARE, STORE, VOLUME, WEB, WORKER
from tests.recording import DIGEST
from tests.samples import IMAGE, OTHER_IMAGE, Config

NAMESPACE = "edge-values"

ENTRY: Config = {
    "name": "shop",
    "images": {
        "modelled": {
            "context": "serving",
            "dockerfile": "Dockerfile",
            "target": "final",
            "args": {"CPU": "1"},
            "secrets": ["index-login"],
        },
        "foreign": {"reference": OTHER_IMAGE},
    },
    "secrets": {
        "given": {"keys": ["KEY_A"]},
        "fetching": {"keys": ["KEY_B"]},
        "storing": {"keys": ["KEY_C"]},
        "training": {"keys": ["KEY_D"]},
        "pulling": {"kind": "registry"},
        "filed": {"kind": "files", "keys": ["tls.crt"]},
    },
    "volumes": {"written": VOLUME, "kept": {"size": "1Gi", "existing": "old"}},
    "stores": {
        "queued": STORE,
        "archive": {
            **{key: STORE[key] for key in ("image", "port", "resources")},
            "volume": {"size": "1Gi", "existing": "older"},
            "health": {"command": ["redis-cli", "ping"]},
        },
    },
    "services": {"web": WEB, "api": API, "worker": WORKER, "spare": SPARE, "guest": GUEST},
    "profiles": {"measured": profile("shared")},
    "environments": {"dev": {"jobs": {"train": JOB}, "volumes": {"written": VOLUME}, "protect": True}, "prod": {}},
}

_SLOTS: Config = {
    "blue": {
        "image": IMAGE,
        "model": {"uri": "s3://models/digits/2", "checksum": DIGEST},
        "server": {"queueLimit": 64, "logLevel": "info", "topK": 3, "variant": "float"},
        "files": {"vocab.txt": "b"},
        "minReplicas": 2,
        "maxReplicas": 3,
    },
    "green": {"image": OTHER_IMAGE},
}
_NETWORKS: Config = {"networks": ["192.0.2.0/24"], "targetPort": 8443}
STACK: Config = {
    "system": {
        "entry": "shop",
        "environment": "dev",
        "namespace": NAMESPACE,
        "existingNamespace": False,
        "discard": ["claim/written"],
    },
    "cluster": {
        "context": "slipway-local",
        "uid": "0c7a3f52-4f0e-4b1c-9d7a-6f1f2b9f8a11",
        "traffic": "nginx",
        "ingressClass": "proxied",
        "ingressNamespace": "proxies",
        "ingressUrl": "http://127.0.0.1:8080",
        "monitoring": True,
        "kedaNamespace": "keda-own",
        "apiServerNetworks": ["192.0.2.0/24"],
        "lockNamespace": "locks",
        "monitoringNamespace": "watching",
        "prometheusUrl": "http://prometheus:9090",
        "metricsUrl": "http://prometheus:9090",
        "metrics": "direct",
        "proxyMetrics": "traefik",
        "proxyMetricsUrl": "http://127.0.0.1:8082/metrics",
        "proxyPods": {
            "namespace": "proxies",
            "labels": {"example.com/proxy": "edge"},
            "port": 9100,
            "path": "/metrics",
        },
        "dashboards": {"labels": {"dashboard-of": "1"}},
        "runbookUrl": "https://runbook.example.com",
        "pullSecrets": ["mirror"],
        "podSecurityVersion": "v1.36",
        "queriesPerSecond": 400,
    },
    "image": {
        "registry": "registry.example.com/ml",
        "builder": "docker-build",
        "buildx": "own-builder",
        "baseImage": "python",
        "wheels": "wheels",
        "args": {"CPU": "1"},
        **BUILDS,
    },
    "images": {"modelled": IMAGE},
    "release": {
        "web": {
            "live": "blue",
            "slots": _SLOTS,
            "weight": 20,
            "match": {"header": {"name": "X-Canary", "value": "beta"}},
        },
        "api": {
            "slots": {
                "blue": {"image": IMAGE},
                "green": {"image": OTHER_IMAGE, "model": {"uri": HUB, "manifest": HUB_MANIFEST}},
            },
            "match": {"header": {"name": "X-Canary", "pattern": "^b"}, "cookie": "chosen"},
        },
    },
    "source": "organization/slipway/earlier",
    "secrets": {
        "given": {"values": {"KEY_A": "secret-value"}},
        "fetching": {"environment": {"KEY_B": "EDGE_KEY"}},
        "storing": {"externalSecret": {"store": "vault", "kind": "SecretStore", "key": "ml/keys", "refresh": "1h"}},
        "training": {"values": {"KEY_D": "secret-value"}},
        "pulling": {"values": {".dockerconfigjson": "{}"}},
        "filed": {"values": {"tls.crt": "secret-value"}},
    },
    "objectStorage": {"url": "https://s3.example.com", **_NETWORKS, "region": "eu-1"},
    "externals": {"billing": {"url": "https://billing.example.com", **_NETWORKS}},
    "tracing": {"url": "http://collector:4318", **_NETWORKS},
}


def _on_a_gateway() -> Config:
    """The same system behind a Gateway, whose routes have fewer settings."""
    data = copy.deepcopy({"entry": ENTRY, "stack": STACK})
    data["stack"]["cluster"] |= {
        "traffic": "gateway",
        "gateway": {"name": "public", "namespace": "gateways", "listener": "https"},
        "proxyMetrics": None,
    }
    route = data["entry"]["services"]["web"]["route"]
    for setting in ("tls", "rateLimit", "session", "maxBody", "annotations", "retries"):
        del route[setting]
    return data


BASES: dict[str, Config] = {
    name: json.loads(json.dumps(data))  # no part is shared: a value is put into one place
    for name, data in {"nginx": {"entry": ENTRY, "stack": STACK}, "gateway": _on_a_gateway()}.items()
}
