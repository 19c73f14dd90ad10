"""Where each field's value must stand in a manifest, and in what form."""

from collections.abc import Iterator

from tests.edges.meaning import (
    Meant,
    amount,
    folder,
    same,
    seconds,
    text_of_bytes,
    text_of_number,
    text_of_seconds,
    user_id,
)
from tests.splitting import NGINX

_POD = "spec template spec"
_FIRST = f"{_POD} containers 0"
WEB, API, TRAIN, QUEUED = "web-blue", "api-blue", "train", "queued"
WORKER, SPARE, GUEST = "worker-blue", "spare-blue", "guest-blue"
_SERVICE = "entry.services.*"


def _resources(where: str, kind: str, name: str, container: str = _FIRST) -> Iterator[tuple[str, Meant]]:
    for group in ("requests", "limits"):
        for resource in ("cpu", "memory", "ephemeral-storage"):
            path = f"{container} resources {group} {resource}"
            yield f"{where}.resources.{group}.{resource}", Meant(kind, name, path, amount)


def _probes() -> Iterator[tuple[str, Meant]]:
    readiness, liveness = f"{_FIRST} readinessProbe", f"{_FIRST} livenessProbe"
    for key, field in {"period": "periodSeconds", "timeout": "timeoutSeconds"}.items():
        yield f"{_SERVICE}.health.{key}", Meant("Deployment", WEB, f"{readiness} {field}", seconds)
        yield f"{_SERVICE}.health.liveness.{key}", Meant("Deployment", WEB, f"{liveness} {field}", seconds)
        yield f"entry.stores.*.health.{key}", Meant("StatefulSet", QUEUED, f"{readiness} {field}", seconds)
    yield f"{_SERVICE}.health.failures", Meant("Deployment", WEB, f"{readiness} failureThreshold")
    yield f"{_SERVICE}.health.liveness.failures", Meant("Deployment", WEB, f"{liveness} failureThreshold")
    yield f"{_SERVICE}.health.startup", Meant("Deployment", WEB, f"{_FIRST} startupProbe failureThreshold", seconds)
    yield f"{_SERVICE}.health.ready.<path>", Meant("Deployment", WEB, f"{readiness} httpGet path")
    yield f"{_SERVICE}.health.live.<path>", Meant("Deployment", WEB, f"{liveness} httpGet path")


def _scaling() -> Iterator[tuple[str, Meant]]:
    autoscaled, triggered = f"{_SERVICE}.scaling.<autoscaled>", f"{_SERVICE}.scaling.<triggered>"
    for key in ("minReplicas", "maxReplicas"):
        yield f"{triggered}.{key}", Meant("ScaledObject", "worker-blue", f"spec {key.removesuffix('s')}Count")
    yield f"{triggered}.polling", Meant("ScaledObject", "worker-blue", "spec pollingInterval", seconds)
    yield f"{triggered}.cooldown", Meant("ScaledObject", "worker-blue", "spec cooldownPeriod", seconds)
    for place, name in enumerate(("cpu", "memory")):
        path = f"spec metrics {place} resource target averageUtilization"
        yield f"{autoscaled}.metrics.{name}.utilization", Meant("HorizontalPodAutoscaler", WEB, path)
    for place, (kind, field) in enumerate((("pods", "pods"), ("external", "external")), 2):
        path = f"spec metrics {place} {field} target averageValue"
        yield f"{autoscaled}.metrics.{kind}.*.average", Meant("HorizontalPodAutoscaler", WEB, path, amount)
    for direction in ("scaleUp", "scaleDown"):
        at = f"spec behavior {direction}"
        stabilization = Meant("HorizontalPodAutoscaler", WEB, f"{at} stabilizationWindowSeconds", seconds)
        yield f"{autoscaled}.behavior.{direction}.stabilization", stabilization
        period = Meant("HorizontalPodAutoscaler", WEB, f"{at} policies 0 periodSeconds", seconds)
        yield f"{autoscaled}.behavior.{direction}.period", period
    yield f"{_SERVICE}.scaling.<fixed>.replicas", Meant("Deployment", API, "spec replicas")


def _others() -> Iterator[tuple[str, Meant]]:
    yield f"{_SERVICE}.port", Meant("Deployment", WEB, f"{_FIRST} ports 0 containerPort")
    yield f"{_SERVICE}.drain.grace", Meant("Deployment", WEB, f"{_POD} terminationGracePeriodSeconds", seconds)
    for key, field in {"maxUnavailable": "maxUnavailable", "maxSurge": "maxSurge"}.items():
        yield f"{_SERVICE}.rollout.{key}", Meant("Deployment", WEB, f"spec strategy rollingUpdate {field}")
    yield f"{_SERVICE}.rollout.progressDeadline", Meant("Deployment", WEB, "spec progressDeadlineSeconds", seconds)
    yield f"{_SERVICE}.disruption.maxUnavailable", Meant("PodDisruptionBudget", WEB, "spec maxUnavailable")
    yield f"{_SERVICE}.disruption.minAvailable", Meant("PodDisruptionBudget", API, "spec minAvailable")
    yield f"{_SERVICE}.exposure.port", Meant("Service", "web", "spec ports 0 port")
    yield f"{_SERVICE}.exposure.nodePort", Meant("Service", "web", "spec ports 0 nodePort")
    yield f"{_SERVICE}.scratch", Meant("Deployment", WEB, f"{_POD} volumes 3 emptyDir sizeLimit", amount)
    yield f"{_SERVICE}.sharedMemory", Meant("Deployment", WEB, f"{_POD} volumes 6 emptyDir sizeLimit", amount)
    yield f"{_SERVICE}.model.size", Meant("Deployment", WEB, f"{_POD} volumes 0 emptyDir sizeLimit", amount)
    yield (
        f"{_SERVICE}.monitoring.interval",
        Meant("ServiceMonitor", "web", "spec endpoints 0 interval", text_of_seconds),
    )
    yield (
        f"{_SERVICE}.monitoring.timeout",
        Meant("ServiceMonitor", "web", "spec endpoints 0 scrapeTimeout", text_of_seconds),
    )
    yield f"{_SERVICE}.route.path", Meant("Ingress", "web", "spec rules 0 http paths 0 path")
    yield f"{_SERVICE}.route.host", Meant("Ingress", "web", "spec rules 0 host")
    yield from _of_the_proxy()
    yield "entry.stores.*.grace", Meant("StatefulSet", QUEUED, f"{_POD} terminationGracePeriodSeconds", seconds)
    yield "entry.stores.*.port", Meant("Service", QUEUED, "spec ports 0 port")
    yield "entry.stores.*.health.failures", Meant("StatefulSet", QUEUED, f"{_FIRST} readinessProbe failureThreshold")
    yield (
        "entry.stores.*.volume.size",
        Meant("PersistentVolumeClaim", "queued-data", "spec resources requests storage", amount),
    )
    volume = Meant("PersistentVolumeClaim", "written", "spec resources requests storage", amount)
    yield "entry.environments.*.volumes.*.size", volume
    jobs = "entry.environments.*.jobs.*"
    yield f"{jobs}.retries", Meant("Job", TRAIN, "spec backoffLimit")
    yield f"{jobs}.deadline", Meant("Job", TRAIN, "spec activeDeadlineSeconds", seconds)
    yield f"{jobs}.keep", Meant("Job", TRAIN, "spec ttlSecondsAfterFinished", seconds)
    yield f"{jobs}.scratch", Meant("Job", TRAIN, f"{_POD} volumes 0 emptyDir sizeLimit", amount)


def _of_the_proxy() -> Iterator[tuple[str, Meant]]:
    annotated = f"metadata annotations {NGINX}"
    for field, key, meaning in (
        ("maxBody", "proxy-body-size", text_of_bytes),
        ("timeout", "proxy-read-timeout", text_of_number),
        ("rateLimit.perSecond", "limit-rps", str),
        ("rateLimit.burst", "limit-burst-multiplier", str),
        ("session.cookie", "session-cookie-name", str),
        ("retries.connectTimeout", "proxy-connect-timeout", text_of_number),
        ("retries.tries", "proxy-next-upstream-tries", str),
    ):
        yield f"{_SERVICE}.route.{field}", Meant("Ingress", "web", f"{annotated}{key}", meaning)


def _containers() -> Iterator[tuple[str, Meant]]:
    """Yield the meaning of each field of the service that uses all fields of containers."""
    yield f"{_SERVICE}.user", Meant("Deployment", GUEST, f"{_POD} securityContext runAsUser", user_id)
    yield f"{_SERVICE}.ports.{{key}}", Meant("Deployment", API, f"{_FIRST} ports 1 name")
    yield f"{_SERVICE}.ports.*", Meant("Deployment", API, f"{_FIRST} ports 1 containerPort")
    yield f"{_SERVICE}.command.[]", Meant("Deployment", WEB, f"{_FIRST} command 0")
    yield f"{_SERVICE}.home.path", Meant("Deployment", GUEST, f"{_FIRST} volumeMounts 1 mountPath", folder)
    yield f"{_SERVICE}.home.size", Meant("Deployment", GUEST, f"{_POD} volumes 1 emptyDir sizeLimit", amount)
    yield f"{_SERVICE}.writable.{{key}}", Meant("Deployment", GUEST, f"{_FIRST} volumeMounts 2 mountPath", folder)
    yield f"{_SERVICE}.writable.*", Meant("Deployment", GUEST, f"{_POD} volumes 2 emptyDir sizeLimit", amount)
    yield f"{_SERVICE}.fileMounts.{{key}}", Meant("Deployment", GUEST, f"{_FIRST} volumeMounts 3 mountPath")
    yield f"{_SERVICE}.fileMounts.*.key", Meant("Deployment", GUEST, f"{_FIRST} volumeMounts 4 subPath")
    added = f"{_FIRST} securityContext capabilities add 0"
    yield f"{_SERVICE}.podSecurity.capabilities.[]", Meant("Deployment", GUEST, added)
    for group, place, folder_place in (("sidecars", 0, 3), ("init", 5, 4)):
        where, at = f"{_SERVICE}.{group}.[]", f"{_POD} initContainers {place}"
        yield from _resources(where, "Deployment", GUEST, at)
        yield from _companion(where, at)
        size = Meant("Deployment", GUEST, f"{_POD} volumes {folder_place} emptyDir sizeLimit", amount)
        yield f"{where}.writable.*", size
    yield from _sidecar(f"{_SERVICE}.sidecars.[]", f"{_POD} initContainers 0")


def _companion(where: str, at: str) -> Iterator[tuple[str, Meant]]:
    for field, path, meaning in (
        ("name", "name", same),
        ("image", "image", same),
        ("user", "securityContext runAsUser", user_id),
        ("command.[]", "command 0", same),
        ("args.[]", "args 0", same),
        ("env.{key}", "env 0 name", same),
        ("env.*.<text>", "env 0 value", same),
        ("env.*.<public>.public", "env 1 value", same),
        ("paths.[]", "volumeMounts 1 mountPath", folder),
        ("writable.{key}", "volumeMounts 2 mountPath", folder),
        ("fileMounts.{key}", "volumeMounts 3 mountPath", same),
        ("fileMounts.*.key", "volumeMounts 4 subPath", same),
    ):
        yield f"{where}.{field}", Meant("Deployment", GUEST, f"{at} {path}", meaning)


def _sidecar(where: str, at: str) -> Iterator[tuple[str, Meant]]:
    for field, path, meaning in (
        ("ports.{key}", "ports 1 name", same),
        ("ports.*", "ports 1 containerPort", same),
        ("ready.<path>", "readinessProbe httpGet path", same),
        ("startup", "startupProbe failureThreshold", seconds),
        ("period", "readinessProbe periodSeconds", seconds),
        ("timeout", "readinessProbe timeoutSeconds", seconds),
        ("failures", "readinessProbe failureThreshold", same),
    ):
        yield f"{where}.{field}", Meant("Deployment", GUEST, f"{at} {path}", meaning)
    for place, kind in ((1, "http"), (2, "grpc"), (3, "tcp"), (4, "exec")):
        yield from _check(f"{where}.ready.<check>", kind, GUEST, f"{_POD} initContainers {place} readinessProbe")


def _checks() -> Iterator[tuple[str, Meant]]:
    """Yield the meaning of each check of a server. Each service has another kind for each of its probes."""
    kinds = ("http", "grpc", "tcp", "exec")
    for field, probe, services in (
        ("ready", "readinessProbe", (API, WORKER, SPARE, GUEST)),
        ("live", "livenessProbe", (GUEST, API, WORKER, SPARE)),
        ("starting.check", "startupProbe", (SPARE, GUEST, API, WORKER)),
    ):
        for kind, service in zip(kinds, services, strict=True):
            yield from _check(f"{_SERVICE}.health.{field}.<check>", kind, service, f"{_FIRST} {probe}")
    started = f"{_FIRST} startupProbe"
    yield f"{_SERVICE}.health.starting.check.<path>", Meant("Deployment", WEB, f"{started} httpGet path")
    yield f"{_SERVICE}.health.starting.period", Meant("Deployment", WEB, f"{started} periodSeconds", seconds)


_OF_KIND = {
    "http": {
        "path": "httpGet path",
        "port": "httpGet port",
        "headers.{key}": "httpGet httpHeaders 0 name",
        "headers.*": "httpGet httpHeaders 0 value",
    },
    "grpc": {"service": "grpc service"},
    "tcp": {"port": "tcpSocket port"},
    "exec": {"[]": "exec command 0"},
}


def _check(where: str, kind: str, service: str, at: str) -> Iterator[tuple[str, Meant]]:
    for field, path in _OF_KIND[kind].items():
        yield f"{where}.{kind}.{field}", Meant("Deployment", service, f"{at} {path}")


MEANT: dict[str, Meant] = dict(
    [
        *_resources(_SERVICE, "Deployment", WEB),
        *_resources("entry.stores.*", "StatefulSet", QUEUED),
        *_resources("entry.environments.*.jobs.*", "Job", TRAIN),
        *_probes(),
        *_scaling(),
        *_others(),
        *_containers(),
        *_checks(),
    ]
)
"""For each field whose value one field of Kubernetes holds: where, and in what form."""
