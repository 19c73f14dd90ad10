"""Configuration that names every key that exists; keys that exclude each other stand in services of their own."""

from tests.edges.containing import HUB, HUB_MANIFEST
from tests.program.containers import AMOUNTS, BUILT, CONTAINER, IMAGE_BUILD, OTHER, PORTS, SCHEDULING
from tests.program.profiled import PROFILE
from tests.program.released import DELIVERY, JUDGED, MATCH, PATTERN, PLACE, RELEASED, SERVER, SLOTTED, VERSION
from tests.samples import CLUSTER, IMAGE, OTHER_IMAGE, PLANTED, Config, secret_values

RESOURCES = {"requests": AMOUNTS, "limits": AMOUNTS, "devices": {"nvidia.com/gpu": 1}}
MODEL: Config = {
    **VERSION,
    "name": "digits",
    "path": "/models",
    "size": "128Mi",
    "cache": {"volume": "hub", "path": "/cache"},
    "secrets": ["storage"],
}
HUB_VERSION: Config = {"uri": HUB, "manifest": HUB_MANIFEST}
PACE = {"stabilization": "5m", "pods": 2, "percent": 100, "period": "15s"}
BEHAVIOR = {"scaleUp": PACE, "scaleDown": PACE}
AUTOSCALED: Config = {
    "minReplicas": 2,
    "maxReplicas": 4,
    "metrics": {
        "cpu": {"utilization": 70},
        "memory": {"utilization": 80},
        "pods": {"http_requests_total": {"average": 20, "window": "2m"}},
        "external": {
            "depth": {"average": "500", "query": "sum(queue_depth{<<.LabelMatchers>>})", "labels": {"queue": "large"}}
        },
    },
    "behavior": BEHAVIOR,
}
TRIGGERED: Config = {
    "minReplicas": 0,
    "maxReplicas": 9,
    "behavior": BEHAVIOR,
    "polling": "30s",
    "cooldown": "5m",
    "fallback": {"failureThreshold": 3, "replicas": 4, "behavior": "static"},
    "triggers": {
        "length": {"redis": {"store": "queue", "list": "celery", "length": 5}},
        "rate": {"prometheus": {"query": "sum(rate(jobs[2m]))", "threshold": "5"}},
        "morning": {
            "cron": {"timezone": "Europe/Berlin", "start": "30 7 * * 1-5", "end": "0 18 * * 1-5", "replicas": 3}
        },
        "busy": {"cpu": {"utilization": 70}},
    },
}
BLOCKS: Config = {
    **CONTAINER,
    "args": ["digits"],
    "env": {"OMP_NUM_THREADS": "1", "EOS_TOKEN": {"public": "</s>"}},
    "secrets": ["database"],
    "model": MODEL,
    "pods": {"labels": {"example.com/team": "ml"}, "annotations": {"example.com/log": "json"}},
    "files": {"path": "/etc/model", "onChange": "rollout", "files": {"config.json": "{}"}},
    "resources": RESOURCES,
    "scaling": AUTOSCALED,
    "server": SERVER,
    "rollout": {"maxUnavailable": 0, "maxSurge": 1, "progressDeadline": "2m", "timeout": "10m"},
    "drain": {"preStop": "5s", "drain": "30s", "grace": "40s", "requestTimeout": "30s"},
    "disruption": {"maxUnavailable": 1},
    "scheduling": SCHEDULING,
    "account": {
        "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/reader"},
        "permissions": [{"group": "", "resources": ["configmaps"], "names": ["flags"], "verbs": ["get", "watch"]}],
    },
    "exposure": {
        "type": "LoadBalancer",
        "direct": True,
        "port": 80,
        "annotations": {"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"},
        "externalTrafficPolicy": "Local",
        "namespaces": ["shop"],
        "loadBalancerClass": "service.k8s.aws/nlb",
        "nodePort": 30080,
        "sourceRanges": ["192.0.2.0/24"],
    },
    "route": {
        "host": "a.example",
        "path": "/predict",
        "pathType": "Exact",
        "stableHosts": ["b.example"],
        "tls": {"secret": "a-example", "issuer": "letsencrypt"},
        "rateLimit": {"perSecond": 50, "burst": 3},
        "session": {"cookie": "slipway", "maxAge": 3600},
        "maxBody": "8Mi",
        "annotations": {"nginx.ingress.kubernetes.io/enable-cors": "true"},
        "timeout": "31s",
        "retries": {"tries": 3, "connectTimeout": "2s", "idempotent": True},
    },
    "release": {
        "strategy": "canary",
        "steps": [{"weight": 10, "hold": "5m", "approval": True}, {"weight": 100, "hold": "0s", "approval": False}],
        "match": MATCH,
        **SLOTTED,
    },
    "monitoring": {
        "path": "/metrics",
        "interval": "30s",
        "timeout": "10s",
        "labels": {"release": "prometheus"},
        "slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}},
        "meanLatency": {"above": "500ms", "for": "5m", "severity": "critical"},
        "alerts": {
            **{alert: {"for": "5m", "severity": "warning"} for alert in ("targetDown", "noTargetUp")},
            "saturation": {"for": "10m", "severity": "critical"},
            "replicasAtMax": {"for": "15m", "severity": "warning"},
        },
    },
    "metricsProfile": PROFILE,
    "load": {
        "rate": 50,
        "peak": 150.5,
        "ramp": "10m",
        "service": {"mean": "100ms", "cv": 0.5},
        "concurrency": 2,
        "coldStart": "42s",
        "utilization": 80,
    },
}
SERVICE: Config = {
    "image": "server",
    "port": 5000,
    "managementPort": 9090,
    **PORTS,
    "calls": ["worker", "queue"],
    "mounts": {"work": "/work"},
    "scratch": "64Mi",
    "sharedMemory": "64Mi",
    "externals": ["billing"],
    **BLOCKS,
}
STORE: Config = {
    "image": "redis",
    "port": 6379,
    "args": ["--appendonly", "yes"],
    "env": {"LEVEL": "notice"},
    "secrets": ["database"],
    "volume": {"size": "2Gi", "existing": "old", "storageClass": "fast", "access": "ReadWriteOnce", "path": "/data"},
    "resources": RESOURCES,
    "health": {"command": ["redis-cli", "ping"], "startup": "60s", "period": "5s", "timeout": "3s", "failures": 3},
    "grace": "30s",
    "scheduling": SCHEDULING,
}
JOB: Config = {
    "image": "trainer",
    "args": ["digits"],
    "env": {"OMP_NUM_THREADS": "1", "EOS_TOKEN": {"public": "</s>"}},
    "secrets": ["storage"],
    "calls": ["queue"],
    "externals": ["billing"],
    "objectStorage": True,
    "resources": RESOURCES,
    "scratch": "64Mi",
    "before": ["wide", "fixed"],
    "retries": 2,
    "deadline": "30m",
    "keep": "10m",
    "scheduling": SCHEDULING,
}
ENTRY: Config = {
    "name": "maximal",
    "images": {
        "server": IMAGE_BUILD,
        "trainer": {"context": "serving"},
        "redis": {"context": "serving"},
        "exporter": {"reference": OTHER_IMAGE},
    },
    "secrets": {
        "database": {"keys": ["DATABASE_USER", "DATABASE_PASSWORD"]},
        "storage": {"keys": ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]},
        "registry": {"kind": "registry"},
    },
    "profiles": {"own": PROFILE},
    "volumes": {
        "hub": {"size": "5Gi", "storageClass": "shared", "access": "ReadWriteMany"},
        "work": {"size": "1Gi", "existing": "scratch-disk"},
    },
    "stores": {"queue": STORE, "vectors": {**STORE, "health": {"path": "/api/heartbeat"}}},
    "services": {
        "wide": SERVICE,
        "fixed": {
            "image": "server",
            "port": 5000,
            "resources": RESOURCES,
            "scaling": {"replicas": 2},
            "disruption": {"minAvailable": 1},
            "model": {**HUB_VERSION, "name": "tiny", "loader": "trainer", "external": "billing"},
            "route": {"host": "c.example"},
            "release": {"strategy": "blueGreen", "match": MATCH, **SLOTTED},
        },
        "split": {
            "image": "server",
            "port": 5000,
            "resources": RESOURCES,
            "scaling": {"replicas": 2},
            "route": {"host": "d.example"},
            "release": {"strategy": "ab", "weight": 50, "match": PATTERN, **SLOTTED},
        },
        "worker": {
            "image": "server",
            "port": 7861,
            **OTHER,
            "resources": RESOURCES,
            "scaling": TRIGGERED,
            "release": {"strategy": "rolling", **JUDGED},
        },
    },
    "environments": {
        "dev": {
            "services": {"wide": BLOCKS, "fixed": {"scaling": {"replicas": 3}}},
            "stores": {"queue": {key: STORE[key] for key in ("volume", "resources", "scheduling")}},
            "volumes": {"hub": {"size": "1Gi"}},
            "jobs": {"train": JOB},
            "protect": True,
        },
        "prod": {},
    },
}
STACK: Config = {
    "system": {**PLACE, "discard": ["claim/old"]},
    "cluster": {
        "context": "prod",
        "lockNamespace": "kube-system",
        "uid": CLUSTER,
        "traffic": "gateway",
        "gateway": {"name": "public", "namespace": "gateways", "listener": "web"},
        "ingressClass": "nginx",
        "ingressNamespace": "ingress-nginx",
        "ingressUrl": "http://127.0.0.1:8080",
        "monitoring": True,
        "monitoringNamespace": "monitoring",
        "kedaNamespace": "keda",
        "apiServerNetworks": ["192.0.2.1/32"],
        "prometheusUrl": "http://prometheus:9090",
        "metricsUrl": "http://127.0.0.1:9090",
        "metrics": "direct",
        "proxyMetrics": "traefik",
        "proxyMetricsUrl": "http://127.0.0.1:8082/metrics",
        "proxyPods": {
            "namespace": "proxies",
            "labels": {"example.com/proxy": "edge"},
            "port": 9100,
            "path": "/metrics",
        },
        "dashboards": {"labels": {"grafana_dashboard": "1"}},
        "runbookUrl": "https://runbooks.example.com/alerts",
        "pullSecrets": ["mirror"],
        "podSecurityVersion": "v1.36",
        "queriesPerSecond": 400,
    },
    "image": {
        "registry": "registry.example.com/ml",
        "builder": "docker-build",
        "buildx": "slipway",
        "baseImage": "registry.example.com/base/python",
        "wheels": "serving",
        "args": {"OTHER": "2"},
        **BUILT,
    },
    "images": {"redis": IMAGE},
    "secrets": {
        "database": {"values": secret_values(["DATABASE_USER", "DATABASE_PASSWORD"])},
        "storage": {"externalSecret": {"store": "vault", "kind": "SecretStore", "key": "ml/storage", "refresh": "1h"}},
        "registry": {"environment": {".dockerconfigjson": "REGISTRY_CREDENTIALS"}},
    },
    "objectStorage": {
        "url": "https://s3.example.com",
        "networks": ["192.0.2.7/32"],
        "targetPort": 9000,
        "region": "eu-central-1",
    },
    "tracing": {"url": "http://collector.tracing:4318", "networks": ["10.0.0.0/8"], "targetPort": 4318},
    "externals": {
        "billing": {"url": "postgresql://billing.example.com", "networks": ["192.0.2.8/32"], "targetPort": 5432}
    },
    "delivery": {"wide": DELIVERY},
    "source": "staging",
    "release": {
        "wide": RELEASED,
        "fixed": {
            "slots": {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE, "model": HUB_VERSION}},
            "match": PATTERN,
        },
    },
}
"""``value`` and ``pattern`` exclude each other, as do path and command of a probe: hence two services, two stores."""
DEPLOYABLE: Config = {
    **{key: value for key, value in STACK.items() if key != "source"},
    "cluster": {key: value for key, value in STACK["cluster"].items() if key != "gateway"} | {"traffic": "nginx"},
}
"""Without the two keys that the entry excludes: it builds, so no stack can have vouched, and a Gateway has no TLS."""
VARIABLES = {"REGISTRY_CREDENTIALS": PLANTED}
"""What :data:`STACK` takes secrets from."""
