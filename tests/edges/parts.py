"""The parts of a system that use every field of a service, a store and a Job."""

from tests.edges.containers import AMOUNTS, OF_API, OF_SPARE, OF_WEB, OF_WORKER, STARTING, profile
from tests.edges.containing import HUB, HUB_MANIFEST
from tests.recording import DIGEST
from tests.samples import Config

_AMOUNTS: Config = {**AMOUNTS, "devices": {"example.com/fpga": 1}}
_SCHEDULING: Config = {
    "nodeSelector": {"disk": "ssd"},
    "nodeAffinity": {"required": {"example.com/model": ["l4"]}, "preferred": {"example.com/zone": ["a"]}},
    "tolerations": [{"key": "example.com/taint", "value": "yes", "effect": "NoExecute"}],
    "priorityClass": "urgent",
    "runtimeClass": "nvidia",
    "apart": "preferred",
    "spread": ["node", "zone"],
}
_PACE: Config = {"stabilization": "60s", "pods": 2, "percent": 50, "period": "60s"}
_GATE: Config = {
    "errors": {"margin": 1},
    "latency": {"within": "300ms", "margin": 5},
    "histograms": {"first-token": {"within": "300ms", "margin": 5}},
    "checks": {"accuracy": {"query": "up", "min": 0.5, "max": 1.0}},
    "webhook": {"url": "https://judge.example.com", "timeout": "10s"},
    "traffic": 100,
    "deadline": "10m",
}
_STRATEGY: Config = {
    "gate": _GATE,
    "approval": False,
    "unattended": "15m",
    "whenUnattended": "resume",
    "soak": "0s",
    "fresh": "24h",
}
_SLOTTED: Config = {**_STRATEGY, "capacity": "surge", "warm": "10m"}
_MATCH: Config = {"header": {"name": "X-Declared", "value": "beta"}, "cookie": "declared"}
_PATTERN: Config = {"header": {"name": "X-Declared", "pattern": "^b"}}

WEB: Config = {
    **OF_WEB,
    "image": "modelled",
    "port": 5000,
    "args": ["--verbose"],
    "env": {"LEVEL": "7", "EOS_TOKEN": {"public": "</s>"}},
    "secrets": ["given"],
    "calls": ["api", "queued"],
    "model": {
        "name": "digits",
        "uri": "s3://models/digits/1",
        "checksum": DIGEST,
        "path": "/models",
        "size": "128Mi",
        "cache": {"volume": "kept", "path": "/cache"},
        "secrets": ["fetching"],
    },
    "files": {"path": "/etc/model", "onChange": "rollout", "files": {"vocab.txt": "a"}},
    "mounts": {"written": "/mnt/written"},
    "scratch": "64Mi",
    "sharedMemory": "64Mi",
    "pods": {"labels": {"example.com/team": "ml"}, "annotations": {"example.com/log": "json"}},
    "externals": ["billing"],
    "resources": _AMOUNTS,
    "scaling": {
        "minReplicas": 2,
        "maxReplicas": 4,
        "behavior": {"scaleUp": _PACE, "scaleDown": _PACE},
        "metrics": {
            "cpu": {"utilization": 70},
            "memory": {"utilization": 80},
            "pods": {"http_requests_total": {"average": 20, "window": "2m"}},
            "external": {
                "depth": {"average": "500m", "query": "sum(depth{<<.LabelMatchers>>})"},
                "length": {"average": 1, "labels": {"by-queue": "a"}},
            },
        },
    },
    "server": {"queueLimit": 64, "logLevel": "info", "topK": 3, "variant": "float"},
    "health": {
        "ready": "/health",
        "live": "/v2/health/live",
        "startup": "60s",
        "period": "5s",
        "timeout": "3s",
        "failures": 3,
        "liveness": {"period": "30s", "timeout": "5s", "failures": 3},
        "starting": STARTING,
    },
    "rollout": {"maxUnavailable": 0, "maxSurge": 1, "progressDeadline": "2m", "timeout": "10m"},
    "drain": {"preStop": "5s", "drain": "30s", "grace": "40s", "requestTimeout": "30s"},
    "disruption": {"maxUnavailable": 1},
    "scheduling": _SCHEDULING,
    "account": {
        "annotations": {"example.com/role": "reader"},
        "permissions": [{"group": "apps", "resources": ["deployments"], "names": ["known"], "verbs": ["get", "list"]}],
    },
    "exposure": {
        "type": "LoadBalancer",
        "port": 8080,
        "annotations": {"example.com/scheme": "internal"},
        "externalTrafficPolicy": "Local",
        "namespaces": ["elsewhere"],
        "loadBalancerClass": "example.com/balancer",
        "nodePort": 30080,
        "direct": True,
        "sourceRanges": ["192.0.2.0/24"],
    },
    "route": {
        "host": "web.example.com",
        "path": "/predict",
        "pathType": "Prefix",
        "stableHosts": ["stable.example.com"],
        "tls": {"secret": "certificate", "issuer": "letsencrypt"},
        "rateLimit": {"perSecond": 50, "burst": 3},
        "session": {"cookie": "session", "maxAge": 60},
        "maxBody": "8Mi",
        "annotations": {"nginx.ingress.kubernetes.io/enable-cors": "true"},
        "timeout": "60s",
        "retries": {"tries": 3, "connectTimeout": "1s", "idempotent": True},
    },
    "monitoring": {
        "path": "/metrics",
        "interval": "30s",
        "timeout": "10s",
        "labels": {"chosen-by": "main"},
        "slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}},
        "meanLatency": {"above": "500ms", "for": "5m", "severity": "critical"},
        "alerts": {
            "targetDown": {"for": "5m", "severity": "warning"},
            "noTargetUp": {"for": "5m", "severity": "critical"},
            "saturation": {"for": "10m", "severity": "critical"},
            "replicasAtMax": {"for": "15m", "severity": "warning"},
        },
    },
    "release": {
        **_SLOTTED,
        "strategy": "canary",
        "steps": [{"weight": 10, "hold": "0s", "approval": False}, {"weight": 100}],
        "match": _MATCH,
    },
    "load": {
        "rate": 50,
        "peak": 150,
        "ramp": "10m",
        "service": {"mean": "10ms", "cv": 0.5},
        "concurrency": 1,
        "coldStart": "42s",
        "utilization": 80,
    },
}

_PLAIN: Config = {"image": "modelled", "port": 5001, "resources": _AMOUNTS}
API: Config = {
    **_PLAIN,
    **OF_API,
    "metricsProfile": profile("own"),
    "scaling": {"replicas": 3},
    "disruption": {"minAvailable": 1},
    "model": {
        "name": "mounted",
        "uri": HUB,
        "loader": "foreign",
        "external": "billing",
        "manifest": HUB_MANIFEST,
    },
    "release": {**_SLOTTED, "strategy": "blueGreen", "match": _MATCH},
    "route": {"host": "api.example.com"},
}
WORKER: Config = {
    **_PLAIN,
    **OF_WORKER,
    "env": {"LEVEL": {"public": "7"}},
    "scaling": {
        "minReplicas": 0,
        "maxReplicas": 9,
        "behavior": {"scaleUp": _PACE, "scaleDown": _PACE},
        "triggers": {
            "waiting": {"redis": {"store": "queued", "list": "celery", "length": 5}},
            "busy": {"cpu": {"utilization": 70}},
            "asked": {"prometheus": {"query": "sum(up{<<.LabelMatchers>>})", "threshold": "5"}},
            "daily": {
                "cron": {"timezone": "Europe/Berlin", "start": "30 7 * * 1-5", "end": "0 18 * * *", "replicas": 2}
            },
        },
        "polling": "30s",
        "cooldown": "5m",
        "fallback": {"failureThreshold": 3, "replicas": 2, "behavior": "static"},
    },
    "release": {**_SLOTTED, "strategy": "ab", "weight": 50, "match": _PATTERN},
    "route": {"host": "worker.example.com"},
}
SPARE: Config = {
    **_PLAIN,
    **OF_SPARE,
    "scaling": {"replicas": 2},
    "model": {"name": "claimed", "uri": "pvc://written/digits"},
    "release": {**_STRATEGY, "strategy": "rolling"},
    "load": {"rate": 5, "service": {"mean": "10ms"}},
}
STORE: Config = {
    "image": "modelled",
    "port": 6379,
    "args": ["--save"],
    "env": {"LEVEL": "7", "A_TOKEN": {"public": "x"}},
    "secrets": ["storing"],
    "volume": {"size": "1Gi", "storageClass": "fast", "access": "ReadWriteOnce", "path": "/data"},
    "resources": _AMOUNTS,
    "health": {"path": "/health", "startup": "60s", "period": "5s", "timeout": "3s", "failures": 3},
    "grace": "30s",
    "scheduling": _SCHEDULING,
}
JOB: Config = {
    "image": "modelled",
    "args": ["--train"],
    "env": {"LEVEL": "7", "A_TOKEN": {"public": "x"}},
    "secrets": ["training"],
    "calls": ["queued"],
    "externals": ["billing"],
    "objectStorage": True,
    "resources": _AMOUNTS,
    "scratch": "64Mi",
    "before": ["spare"],
    "retries": 2,
    "deadline": "30m",
    "keep": "10m",
    "scheduling": _SCHEDULING,
}
VOLUME: Config = {"size": "1Gi", "storageClass": "fast", "access": "ReadWriteMany"}
