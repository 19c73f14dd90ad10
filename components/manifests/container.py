"""Settings that all containers and pods share: security context, resources and environment variables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from components.manifests.manifest import Json, Text
from models.resources import ResourceList, Resources
from models.secrets import SecretSpec
from models.security import PodSecurity
from models.system import SystemSpec
from models.variable_rules import address_variable, url_variable
from models.vocabulary import SCRATCH_PATH

USER_ID = 10001
"""Not a user of the host: distributions assign lower ids than 10000 (kube-score requires this)."""
LAST_WORDS = "FallbackToLogsOnError"
"""A container that fails leaves its last log lines in the pod's status, where kubectl describe shows them."""
PULL_POLICY = "IfNotPresent"
"""A digest cannot change, so there is nothing to check at each start."""
SCRATCH: Json = {"name": "scratch", "mountPath": SCRATCH_PATH}


def pod_defaults(system: SystemSpec, account: str, user: int | str | None = None) -> Json:
    """Return pod defaults that satisfy the *restricted* Pod Security Standard and expose no ambient credentials.

    Args:
        system: The system.
        account: The pod's ServiceAccount.
        user: The user of the containers (:data:`models.security.User`). None = 10001.
    """
    pod: Json = {
        "serviceAccountName": account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # otherwise each Service of the namespace adds variables
        "securityContext": {
            "runAsNonRoot": True,
            **_identity(USER_ID if user is None else user),
            # Change the owner only if it differs: walking a large volume at each start takes minutes.
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [],
    }
    if system.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in system.pull_secrets]
    return pod


def locked_down() -> Json:
    """Return the security context of every container."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _identity(user: int | str) -> Json:
    """Return the ids of a pod's user. A cluster that assigns them refuses ids of ours."""
    if user == "namespace":
        return {}
    if isinstance(user, str):
        return {"fsGroup": USER_ID}  # the image's user writes to volumes as a member of this group
    return {"runAsUser": user, "runAsGroup": user, "fsGroup": user}


def restricted(user: int | str | None, loosened: PodSecurity | None, capabilities: Iterable[str] = ()) -> Json:
    """Return the security context of a container with a user of its own (None = the pod's).

    Only a pod with :class:`models.security.PodSecurity` may run as root or add capabilities.
    """
    context = locked_down()
    if isinstance(user, int):
        context |= {"runAsUser": user, "runAsGroup": user}
    if loosened and user in (0, "image"):
        context["runAsNonRoot"] = False
    if added := list(capabilities):
        context["capabilities"] = {**context["capabilities"], "add": added}
    return context


def ports(numbers: Mapping[str, int]) -> list[Json]:
    """Return the ports of a container by name."""
    return [{"name": name, "containerPort": number} for name, number in numbers.items()]


def bounded(name: str, size: str) -> Json:
    """Return a volume that starts empty and ends with the pod. The kubelet evicts a pod that exceeds the size."""
    return {"name": name, "emptyDir": {"sizeLimit": size}}


def amounts(resources: ResourceList) -> dict[str, str]:
    """Return amounts under Kubernetes' own resource names."""
    return resources.model_dump(by_alias=True)


def devices(resources: Resources) -> dict[str, str]:
    """Return the amount of each extended resource that the main container takes."""
    return {name: str(count) for name, count in resources.devices.items()}


def requirements(resources: Resources, *, with_devices: bool = True) -> Json:
    """Return requests and limits. Only the main container takes extended resources."""
    pieces = devices(resources) if with_devices else {}
    return {
        "requests": {**amounts(resources.requests), **pieces},
        "limits": {**amounts(resources.limits), **pieces},
    }


def scratch_volume(size: str) -> Json:
    """Return the volume behind /tmp."""
    return bounded("scratch", size)


def claim_name(system: SystemSpec, volume: str) -> str:
    """Return the name of the claim for a volume of the system: its own, or an existing one."""
    return system.volumes[volume].existing or volume


def variables(values: Mapping[str, Text]) -> list[Json]:
    """Return literal environment variables."""
    return [{"name": name, "value": value} for name, value in values.items()]


def secret_variables(used: Iterable[str], secrets: Mapping[str, "BoundSecret"]) -> list[Json]:
    """Return a variable for each declared key of the secrets. Other keys of an external store are left out."""
    return [
        {"name": key, "valueFrom": {"secretKeyRef": {"name": secrets[name][0], "key": key}}}
        for name in used
        for key in secrets[name][1].keys
    ]


BoundSecret = tuple[str, SecretSpec]
"""A Secret's name in the namespace, and its spec."""

S = TypeVar("S")


@dataclass(frozen=True, kw_only=True)
class WorkloadArgs(Generic[S]):
    """What the manifests of a store or a Job are made from."""

    system: SystemSpec
    name: str
    spec: S
    image: Text
    secrets: Mapping[str, BoundSecret]
    after: tuple[str, ...]
    """What must be ready before the pod starts."""


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
