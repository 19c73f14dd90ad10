"""The pod of a store: one replica, on a volume that outlives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import labels, names
from components.manifests import container
from components.manifests.placement import placed
from models.stores import StoreHealth, StoreSpec
from models.system import SystemSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.apps.v1 import StatefulSetSpecArgsDict
    from pulumi_kubernetes.core.v1 import ContainerArgsDict, ProbeArgsDict, ServiceSpecArgsDict

PORT_NAME = "store"


@dataclass(frozen=True, kw_only=True)
class StorePodArgs:
    """The inputs of a store's pod."""

    system: SystemSpec
    name: str
    spec: StoreSpec
    image: container.Reference
    secrets: Mapping[str, container.BoundSecret]


def stateful_set_spec(args: StorePodArgs) -> "StatefulSetSpecArgsDict":
    """Return the spec of a store's StatefulSet: at most one pod, so that no two servers write to one volume."""
    pod = container.pod_defaults(args.system, names.account(args.name))
    pod["containers"] = [_server(args)]
    pod["volumes"] = [
        {
            "name": "data",
            "persistent_volume_claim": {"claim_name": args.spec.volume.existing or names.data_claim(args.name)},
        },
        container.scratch_volume("64Mi"),
    ]
    pod["termination_grace_period_seconds"] = args.spec.grace
    selector = labels.select_service(args.name)
    return {
        "service_name": args.name,
        "replicas": 1,
        "selector": {"match_labels": selector},
        "template": {
            "metadata": {"labels": labels.of_service(args.system.name, args.name)},
            "spec": placed(pod, args.spec.scheduling, selector),
        },
        "revision_history_limit": 2,
    }


def service_spec(args: StorePodArgs) -> "ServiceSpecArgsDict":
    """Return the spec of a store's Service."""
    port = {"name": PORT_NAME, "port": args.spec.port, "target_port": PORT_NAME, "protocol": "TCP"}
    return {"type": "ClusterIP", "selector": labels.select_service(args.name), "ports": [port]}  # pyright: ignore[reportReturnType]


def _server(args: StorePodArgs) -> "ContainerArgsDict":
    spec, health = args.spec, args.spec.health
    environment = [*container.variables(spec.env), *container.secret_variables(spec.secrets, args.secrets)]
    server: ContainerArgsDict = {
        "name": "store",
        "image": args.image,
        "image_pull_policy": container.PULL_POLICY,
        "ports": [{"name": PORT_NAME, "container_port": spec.port}],
        "env": environment,
        "termination_message_policy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "security_context": container.locked_down(),
        "volume_mounts": [{"name": "data", "mount_path": spec.volume.path}, container.SCRATCH],
        "startup_probe": _probe(health, period=1, failures=health.startup),
        "readiness_probe": _probe(health, period=health.period, failures=health.failures),
        # Check only that the port is open: a store that is busy or loading its data must not be killed.
        "liveness_probe": _probe(StoreHealth(), period=health.period, failures=2 * health.failures),
    }
    if spec.args:
        server["args"] = list(spec.args)
    return server


def _probe(health: StoreHealth, *, period: int, failures: int) -> "ProbeArgsDict":
    probe: ProbeArgsDict = {
        "period_seconds": period,
        "timeout_seconds": health.timeout,
        "failure_threshold": failures,
    }
    if health.path:
        probe["http_get"] = {"path": health.path, "port": PORT_NAME}
    elif health.command:
        probe["exec_"] = {"command": list(health.command)}
    else:
        probe["tcp_socket"] = {"port": PORT_NAME}
    return probe
