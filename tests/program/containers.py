"""Every key of an image that knows nothing of Slipway, and of the containers beside it."""

from tests.samples import OTHER_IMAGE, Config

AMOUNTS = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
BESIDE: Config = {
    "image": OTHER_IMAGE,
    "command": ["proxy"],
    "args": ["--quiet"],
    "env": {"LEVEL": "1"},
    "secrets": ["storage"],
    "user": 65532,
    "writable": {"/var/cache/proxy": "1Mi"},
    "paths": ["/srv/app", "/work"],
    "fileMounts": {"/etc/proxy.toml": {"text": "a"}},
    "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
}
CONTAINER: Config = {
    "command": ["gunicorn"],
    "user": "image",
    "home": {"path": "/srv/app", "size": "1Mi"},
    "writable": {"/var/cache/app": "1Mi"},
    "fileMounts": {
        "/app/config.toml": {"text": "a"},
        "/run/secrets/user": {"secret": "database", "key": "DATABASE_USER"},
    },
    "sidecars": [
        {
            "name": "auth",
            **BESIDE,
            "ports": {"proxy": 8081},
            "entrance": False,
            "ready": {"tcp": {"port": "proxy"}},
            "startup": "30s",
            "period": "5s",
            "timeout": "3s",
            "failures": 3,
        }
    ],
    "init": [{"name": "migrate", **BESIDE}],
    "health": {
        "ready": "/r",
        "live": {"http": {"path": "/l", "port": "admin", "headers": {"Host": "a.example"}}},
        "starting": {"check": {"exec": ["ready"]}, "period": "2s"},
        "startup": "60s",
        "period": "5s",
        "timeout": "3s",
        "failures": 3,
        "liveness": {"period": "30s", "timeout": "5s", "failures": 3},
    },
}
OTHER: Config = {
    "ports": {"grpc": 9000},
    "appProtocol": "h2c",
    "server": "other",
    "command": ["serve"],
    "drain": {"args": ["--graceful-timeout", "{drain}"], "env": {"GRACEFUL_SECONDS": "{drain}"}},
    "health": {"ready": {"grpc": {"port": "grpc", "service": "worker"}}, "live": {"tcp": {"port": "grpc"}}},
}
BUILT: Config = {
    "platforms": ["linux/amd64"],
    "cacheFrom": [{"registry": "registry.example.com/ml/cache:server"}],
    "cacheTo": [{"folder": "/var/cache/builds"}],
    "secrets": {"index-token": {"environment": "REGISTRY_CREDENTIALS"}, "netrc": {"file": "LICENSE"}},
}
IMAGE_BUILD: Config = {
    "context": "serving",
    "dockerfile": "Dockerfile",
    "target": "server",
    "args": {"EXTRA": "1"},
    "secrets": ["index-token", "netrc"],
}
PORTS: Config = {
    "ports": {"admin": 8082},
    "podSecurity": {"standard": "baseline", "why": "the image starts as root", "capabilities": ["CHOWN"]},
}
SCHEDULING: Config = {
    "nodeSelector": {"nvidia.com/gpu.product": "L4"},
    "nodeAffinity": {"required": {"example.com/gpu": ["true"]}, "preferred": {"example.com/zone": ["a", "b"]}},
    "tolerations": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoExecute"}],
    "priorityClass": "inference",
    "runtimeClass": "nvidia",
    "apart": "preferred",
    "spread": ["node", "zone"],
}
