"""The pod of a slot: what passes Pod Security *restricted*, starts truthfully and stops without losing a request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import labels
from components.manifests.placement import placed
from components.manifests.settings import FILE, FOLDER, SettingsFile, config_map_name
from models.resources import ResourceList
from models.service import ServiceSpec

if TYPE_CHECKING:
    import pulumi
    from pulumi_kubernetes.core.v1 import (
        ContainerArgsDict,
        EnvVarArgsDict,
        PodSpecArgsDict,
        PodTemplateSpecArgsDict,
        ProbeArgsDict,
        ResourceRequirementsArgsDict,
        SecurityContextArgsDict,
        VolumeArgsDict,
        VolumeMountArgsDict,
    )

PORT_NAME = "http"
ACCOUNT = "workload"
USER_ID = 10001
"""Not a user of the host: ids from 10000 up stay clear of what distributions hand out (kube-score asks for it)."""
_LAST_WORDS = "FallbackToLogsOnError"
"""A container that fails leaves its last log lines in the pod's status, where kubectl describe shows them."""
SCRATCH_SIZE = "64Mi"
MODEL_VOLUME_SIZE = "128Mi"


@dataclass(frozen=True, kw_only=True)
class PodArgs:
    """What a slot's pods are made from."""

    system: str
    service: str
    slot: str
    spec: ServiceSpec
    settings: SettingsFile
    image: "pulumi.Output[str]"


def pod_template(args: PodArgs) -> "PodTemplateSpecArgsDict":
    """Describe a slot's pods."""
    spec = args.spec
    pod: PodSpecArgsDict = {
        "service_account_name": ACCOUNT,
        "automount_service_account_token": False,
        "enable_service_links": False,  # one variable per Service of the namespace otherwise
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER_ID,
            "run_as_group": USER_ID,
            "fs_group": USER_ID,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "init_containers": [_model_loader(spec, args.image)],
        "containers": [_server(args)],
        "volumes": _volumes(config_map_name(args.service, args.slot, args.settings)),
        "termination_grace_period_seconds": spec.drain.grace,
    }
    placed_pod = placed(pod, spec.scheduling, labels.select_slot(args.service, args.slot))
    return {"metadata": {"labels": labels.of_slot(args.system, args.service, args.slot)}, "spec": placed_pod}


def _model_loader(spec: ServiceSpec, image: "pulumi.Output[str]") -> "ContainerArgsDict":
    return {
        "name": "model",
        "image": image,
        "image_pull_policy": "IfNotPresent",
        "command": ["python", "-m", "serving.fetch", spec.model.uri, spec.model.path],
        "termination_message_policy": _LAST_WORDS,
        "resources": _resources(spec, {}),
        "security_context": _locked_down(),
        "volume_mounts": [{"name": "model", "mount_path": spec.model.path}, {"name": "scratch", "mount_path": "/tmp"}],  # noqa: S108 -- a volume of the pod
    }


def _server(args: PodArgs) -> "ContainerArgsDict":
    spec = args.spec
    mounts: list[VolumeMountArgsDict] = [
        {"name": "model", "mount_path": spec.model.path, "read_only": True},
        {"name": "settings", "mount_path": FOLDER, "read_only": True},
        {"name": "scratch", "mount_path": "/tmp"},  # noqa: S108 -- a volume of the pod
    ]
    health = spec.health
    return {
        "name": "server",
        "image": args.image,
        "image_pull_policy": "IfNotPresent",  # a digest cannot change, so there is nothing to check at each start
        "ports": [{"name": PORT_NAME, "container_port": spec.port}],
        "env": _environment(args),
        "termination_message_policy": _LAST_WORDS,
        "resources": _resources(spec, devices(spec)),
        "security_context": _locked_down(),
        "volume_mounts": mounts,
        # One second a try: a server that is ready after three seconds serves after three, not after a whole period.
        "startup_probe": _probe(health.ready, period=1, timeout=health.timeout, failures=health.startup),
        "readiness_probe": _probe(health.ready, period=health.period, timeout=health.timeout, failures=health.failures),
        "liveness_probe": _probe(health.live, period=health.period, timeout=health.timeout, failures=health.failures),
        # The proxy learns of the end only after it began: serve on until it has.
        "lifecycle": {"pre_stop": {"sleep": {"seconds": spec.drain.pre_stop}}},
    }


def _environment(args: PodArgs) -> "list[EnvVarArgsDict]":
    return [
        {"name": "PORT", "value": str(args.spec.port)},
        {"name": "SLIPWAY_SERVICE", "value": args.service},
        {"name": "SLIPWAY_SLOT", "value": args.slot},
        {"name": "SLIPWAY_VERSION", "value": args.image.apply(lambda reference: reference.partition("@")[2])},
        {"name": "SLIPWAY_CONFIG_HASH", "value": args.settings.content_hash},
        {"name": "SLIPWAY_SETTINGS", "value": f"{FOLDER}/{FILE}"},
    ]


def _volumes(config_map: str) -> "list[VolumeArgsDict]":
    return [
        {"name": "model", "empty_dir": {"size_limit": MODEL_VOLUME_SIZE}},
        {"name": "settings", "config_map": {"name": config_map}},
        {"name": "scratch", "empty_dir": {"size_limit": SCRATCH_SIZE}},
    ]


def _probe(path: str, *, period: int, timeout: int, failures: int) -> "ProbeArgsDict":
    return {
        "http_get": {"path": path, "port": PORT_NAME},
        "period_seconds": period,
        "timeout_seconds": timeout,
        "failure_threshold": failures,
    }


def _resources(spec: ServiceSpec, extended: dict[str, str]) -> "ResourceRequirementsArgsDict":
    resources = spec.resources
    return {
        "requests": {**amounts(resources.requests), **extended},
        "limits": {**amounts(resources.limits), **extended},
    }


def devices(spec: ServiceSpec) -> dict[str, str]:
    """Give the pieces of each extended resource that the server's container takes."""
    return {name: str(count) for name, count in spec.resources.devices.items()}


def amounts(resources: ResourceList) -> dict[str, str]:
    """Give amounts under Kubernetes' own resource names."""
    return resources.model_dump(by_alias=True)


def _locked_down() -> "SecurityContextArgsDict":
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "run_as_non_root": True,
        "capabilities": {"drop": ["ALL"]},
    }
