"""The parts of a container as its authors made it, of builds and of metrics profiles.

Each service asks for its health in other ways, so that every check has a place.
"""

from tests.samples import OTHER_IMAGE, Config

AMOUNTS: Config = {
    "requests": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "600Mi"},
    "limits": {"cpu": "1500m", "memory": "1Gi", "ephemeral-storage": "2Gi"},
}
_EXEC: Config = {"exec": ["/bin/healthy", "--now"]}


def _http(port: str, header: str) -> Config:
    return {"http": {"path": "/asked", "port": port, "headers": {header: "asked"}}}


def _grpc(port: str) -> Config:
    return {"grpc": {"port": port, "service": "asked.v1"}}


def _tcp(port: str) -> Config:
    return {"tcp": {"port": port}}


def _health(ready: object, live: object, starting: object) -> Config:
    return {"ready": ready, "live": live, "starting": {"check": starting, "period": "2s"}}


OF_WEB: Config = {"metricsProfile": "measured", "command": ["/bin/serve", "--quietly"]}
"""Fields of the service whose server is Slipway's own."""
STARTING: Config = {"check": "/started", "period": "1s"}
OF_API: Config = {
    "ports": {"api-first": 9201, "api-second": 9202},
    "health": _health(_http("api-first", "X-Api"), _grpc("api-second"), _tcp("api-first")),
}
OF_WORKER: Config = {
    "ports": {"worker-first": 9203},
    "health": _health(_grpc("worker-first"), _tcp("worker-first"), _EXEC),
    "metricsProfile": "measured",
}
OF_SPARE: Config = {
    "ports": {"spare-first": 9204},
    "health": _health(_tcp("spare-first"), _EXEC, _http("spare-first", "X-Spare")),
    "metricsProfile": "measured",
}


def _companion(name: str, **fields: object) -> Config:
    return {"name": name, "resources": AMOUNTS, **fields}


def _whole(name: str, folder: str) -> Config:
    """Return a companion that uses every field which both kinds have."""
    return _companion(
        name,
        image=OTHER_IMAGE,
        command=["/bin/beside"],
        args=["--quietly"],
        env={"LEVEL": "7", "A_TOKEN": {"public": "x"}},
        secrets=["given"],
        user=10002,
        writable={f"/{folder}/own": "16Mi"},
        paths=["/srv/cache"],
        fileMounts={
            f"/{folder}/config.toml": {"text": "a"},
            f"/{folder}/tls.crt": {"secret": "filed", "key": "tls.crt"},
        },
    )


SIDECARS: list[Config] = [
    {
        **_whole("guard", "guarded"),
        "ports": {"guard-first": 9301},
        "entrance": True,
        "ready": "/guarded",
        "startup": "60s",
        "period": "5s",
        "timeout": "3s",
        "failures": 3,
    },
    _companion("beside-a", ports={"beside-first": 9302}, ready=_http("beside-first", "X-Beside")),
    _companion("beside-b", ports={"beside-second": 9303}, ready=_grpc("beside-second")),
    _companion("beside-c", ports={"beside-third": 9304}, ready=_tcp("beside-third")),
    _companion("beside-d", ready=_EXEC),
]
GUEST: Config = {
    "image": "foreign",
    "port": 5002,
    "resources": AMOUNTS,
    "scaling": {"replicas": 1},
    "server": "other",
    "command": ["/bin/guest", "--quietly"],
    "appProtocol": "grpc",
    "ports": {"guest-first": 9401, "guest-second": 9402},
    "user": 10003,
    "home": {"path": "/srv/home", "size": "64Mi"},
    "writable": {"/srv/cache": "32Mi"},
    "fileMounts": {
        "/app/config.toml": {"text": "a"},
        "/app/tls.crt": {"secret": "filed", "key": "tls.crt"},
    },
    "sidecars": SIDECARS,
    "init": [_whole("prepare", "prepared")],
    "podSecurity": {"standard": "baseline", "why": "the image starts as root", "capabilities": ["CHOWN"]},
    "health": _health(_EXEC, _http("guest-first", "X-Guest"), _grpc("guest-second")),
    "drain": {"args": ["--within={drain}"], "env": {"GUEST_SECONDS": "{requestTimeout}"}},
}
"""A service whose image knows nothing of Slipway."""


def profile(prefix: str) -> Config:
    """Return a metrics profile that uses every field; names of series start with a prefix."""
    return {
        "source": "server",
        "contexts": ["elsewhere"],
        "scrape": True,
        "requests": {
            "counters": [f"{prefix}_requests_total"],
            "without": {"handler": "/metrics"},
            "errors": {"counter": f"{prefix}_errors_total", "label": "status", "values": "5.."},
            "refused": {"counter": f"{prefix}_refused_total", "label": "status", "values": "429"},
            "group": "handler",
        },
        "histograms": {
            "first-token": {
                "metric": f"{prefix}_first_token_seconds",
                "unit": "seconds",
                "without": {"purpose": "probe"},
            },
            "inference": {"metric": f"{prefix}_inference_seconds", "bounds": [0.1, 0.3]},
        },
        "means": {"wait": {"sum": f"{prefix}_wait_sum", "count": f"{prefix}_wait_count", "unit": "seconds"}},
        "queue": f"{prefix}_queue",
        "inFlight": f"{prefix}_in_flight",
        "process": True,
        "build": {"metric": f"{prefix}_build_info", "labels": ["version"]},
        "port": 9100,
        "path": "/series",
    }


BUILDS: Config = {
    "platforms": ["linux/amd64"],
    "cacheFrom": [{"registry": "registry.example.com/ml/cache"}, {"folder": "read"}],
    "cacheTo": [{"registry": "registry.example.com/ml/cache"}, {"folder": "layers"}],
    "secrets": {"index-login": {"environment": "EDGE_LOGIN"}, "index-file": {"file": "netrc"}},
}
"""Fields of ``slipway:image`` about a build's platforms, caches and secrets."""
