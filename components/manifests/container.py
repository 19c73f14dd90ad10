"""Settings that all containers and pods share: security context, resources and environment variables."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from models.entry_rules import address_variable, url_variable
from models.resources import ResourceList, Resources
from models.secrets import SecretSpec
from models.system import SystemSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import (
        EnvVarArgsDict,
        PodSpecArgsDict,
        ResourceRequirementsArgsDict,
        SecurityContextArgsDict,
        VolumeArgsDict,
        VolumeMountArgsDict,
    )

Reference = Any
"""A string, or a placeholder that the component resolves after a build."""
USER_ID = 10001
"""Not a user of the host: distributions assign lower ids than 10000 (kube-score requires this)."""
LAST_WORDS = "FallbackToLogsOnError"
"""A container that fails leaves its last log lines in the pod's status, where kubectl describe shows them."""
PULL_POLICY = "IfNotPresent"
"""A digest cannot change, so there is nothing to check at each start."""
SCRATCH: "VolumeMountArgsDict" = {"name": "scratch", "mount_path": "/tmp"}  # noqa: S108 -- a volume of the pod


def pod_defaults(system: SystemSpec, account: str) -> "PodSpecArgsDict":
    """Return pod defaults that satisfy the *restricted* Pod Security Standard and expose no ambient credentials."""
    pod: PodSpecArgsDict = {
        "service_account_name": account,
        "automount_service_account_token": False,
        "enable_service_links": False,  # otherwise each Service of the namespace adds variables
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER_ID,
            "run_as_group": USER_ID,
            "fs_group": USER_ID,
            # Change the owner only if it differs: walking a large volume at each start takes minutes.
            "fs_group_change_policy": "OnRootMismatch",
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [],
    }
    if system.pull_secrets:
        pod["image_pull_secrets"] = [{"name": name} for name in system.pull_secrets]
    return pod


def locked_down() -> "SecurityContextArgsDict":
    """Return the security context of every container."""
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "run_as_non_root": True,
        "capabilities": {"drop": ["ALL"]},
    }


def amounts(resources: ResourceList) -> dict[str, str]:
    """Return amounts under Kubernetes' own resource names."""
    return resources.model_dump(by_alias=True)


def devices(resources: Resources) -> dict[str, str]:
    """Return the amount of each extended resource that the main container takes."""
    return {name: str(count) for name, count in resources.devices.items()}


def requirements(resources: Resources, *, with_devices: bool = True) -> "ResourceRequirementsArgsDict":
    """Return requests and limits. Only the main container takes extended resources."""
    pieces = devices(resources) if with_devices else {}
    return {
        "requests": {**amounts(resources.requests), **pieces},
        "limits": {**amounts(resources.limits), **pieces},
    }


def scratch_volume(size: str) -> "VolumeArgsDict":
    """Return the volume behind /tmp."""
    return {"name": "scratch", "empty_dir": {"size_limit": size}}


def claim_name(system: SystemSpec, volume: str) -> str:
    """Return the name of the claim for a volume of the system: its own, or an existing one."""
    return system.volumes[volume].existing or volume


def variables(values: Mapping[str, Reference]) -> "list[EnvVarArgsDict]":
    """Return literal environment variables."""
    return [{"name": name, "value": value} for name, value in values.items()]


def secret_variables(used: Iterable[str], secrets: "Mapping[str, BoundSecret]") -> "list[EnvVarArgsDict]":
    """Return a variable for each declared key of the secrets. Other keys of an external store are left out."""
    return [
        {"name": key, "value_from": {"secret_key_ref": {"name": secrets[name][0], "key": key}}}
        for name in used
        for key in secrets[name][1].keys
    ]


BoundSecret = tuple[str, SecretSpec]
"""A Secret's name in the namespace, and its spec."""


def addresses(system: SystemSpec, calls: Iterable[str]) -> dict[str, str]:
    """Return host and port of each callee, as ``<CALLEE>_ADDRESS``."""
    found: dict[str, str] = {}
    for name in calls:
        store = system.stores.get(name)
        port = store.port if store else system.services[name].spec.exposure.port
        found[address_variable(name)] = f"{name}:{port}"
    return found


def externals(system: SystemSpec, used: Iterable[str]) -> dict[str, str]:
    """Return the address of each external server, as ``<NAME>_URL``."""
    return {url_variable(name): system.externals[name].url for name in used}


def object_storage(system: SystemSpec) -> dict[str, str]:
    """Return the variables that point S3 clients to the environment's object storage."""
    if system.object_storage is None:
        return {}
    return {"AWS_ENDPOINT_URL": system.object_storage.url, "AWS_REGION": system.object_storage.region}


def tracing(system: SystemSpec) -> dict[str, str]:
    """Return the variable that turns on OpenTelemetry."""
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": system.tracing.url} if system.tracing else {}
