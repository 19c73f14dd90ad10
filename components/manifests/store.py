"""A store: a server that keeps data. It has one replica, on a volume that outlives its pod."""

from collections.abc import Iterator

from components import labels, names
from components.manifests import container
from components.manifests.manifest import SKIP_AWAIT, Json, Manifest, Part, metadata, written
from components.manifests.placement import placed
from models.stores import StoreHealth, StoreSpec
from models.variables import texts

PORT_NAME = "store"
_IMAGE_PULL = 120
"""Extra seconds on top of the store's own limits, for a node that does not have the image yet."""


StoreArgs = container.WorkloadArgs[StoreSpec]


def server_id(name: str) -> str:
    """Return the id of a store's StatefulSet, which is ready when the store answers."""
    return _part(name).id_of("server")


def store(args: StoreArgs) -> Iterator[Manifest]:
    """Yield a Service, and a StatefulSet with one replica."""
    part, own = _part(args.name), labels.of_service(args.system.name, args.name)
    described = metadata(args.system, args.name, own, SKIP_AWAIT)
    service = part.manifest("service", written("Service", described, spec=service_spec(args)))
    yield service
    server = written("StatefulSet", metadata(args.system, args.name, own), spec=stateful_set_spec(args))
    seconds = args.spec.health.startup + args.spec.grace + _IMAGE_PULL
    yield part.manifest("server", server, after=(service.id, *args.after), wait=seconds)


def _part(store: str) -> Part:
    return Part("Store", store)


def stateful_set_spec(args: StoreArgs) -> Json:
    """Return the spec of a store's StatefulSet: at most one pod, so that no two servers write to one volume."""
    pod = container.pod_defaults(args.system, names.account(args.name))
    pod["containers"] = [_server(args)]
    pod["volumes"] = [
        {
            "name": "data",
            "persistentVolumeClaim": {"claimName": args.spec.volume.existing or names.data_claim(args.name)},
        },
        container.scratch_volume("64Mi"),
    ]
    pod["terminationGracePeriodSeconds"] = args.spec.grace
    selector = labels.select_service(args.name)
    return {
        "serviceName": args.name,
        "replicas": 1,
        "selector": {"matchLabels": selector},
        "template": {
            "metadata": {"labels": labels.of_service(args.system.name, args.name)},
            "spec": placed(pod, args.spec.scheduling, selector),
        },
        "revisionHistoryLimit": 2,
    }


def service_spec(args: StoreArgs) -> Json:
    """Return the spec of a store's Service."""
    port = {"name": PORT_NAME, "port": args.spec.port, "targetPort": PORT_NAME, "protocol": "TCP"}
    return {"type": "ClusterIP", "selector": labels.select_service(args.name), "ports": [port]}


def _server(args: StoreArgs) -> Json:
    spec, health = args.spec, args.spec.health
    environment = [*container.variables(texts(spec.env)), *container.secret_variables(spec.secrets, args.secrets)]
    server: Json = {
        "name": "store",
        "image": args.image,
        "imagePullPolicy": container.PULL_POLICY,
        "ports": [{"name": PORT_NAME, "containerPort": spec.port}],
        "env": environment,
        "terminationMessagePolicy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "securityContext": container.locked_down(),
        "volumeMounts": [{"name": "data", "mountPath": spec.volume.path}, container.SCRATCH],
        "startupProbe": _probe(health, period=1, failures=health.startup),
        "readinessProbe": _probe(health, period=health.period, failures=health.failures),
        # Check only that the port is open: a store that is busy or loading its data must not be killed.
        "livenessProbe": _probe(StoreHealth(), period=health.period, failures=2 * health.failures),
    }
    if spec.args:
        server["args"] = list(spec.args)
    return server


def _probe(health: StoreHealth, *, period: int, failures: int) -> Json:
    probe: Json = {
        "periodSeconds": period,
        "timeoutSeconds": health.timeout,
        "failureThreshold": failures,
    }
    if health.path:
        probe["httpGet"] = {"path": health.path, "port": PORT_NAME}
    elif health.command:
        probe["exec"] = {"command": list(health.command)}
    else:
        probe["tcpSocket"] = {"port": PORT_NAME}
    return probe
