"""The pod of a slot: it satisfies Pod Security *restricted*, and starts and stops without losing a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import labels, names
from components.manifests import container, model
from components.manifests.container import claim_name
from components.manifests.placement import placed
from components.manifests.settings import FILE, FOLDER, Content, config_map_name, files_map_name
from models.service import ServiceSpec
from models.system import SystemSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import (
        ContainerArgsDict,
        EnvVarArgsDict,
        PodTemplateSpecArgsDict,
        ProbeArgsDict,
        VolumeArgsDict,
        VolumeMountArgsDict,
    )
    from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

PORT_NAME = "web"
"""The port's name in ServiceMonitors, Ingresses and policies. Its number may change in a rollout."""


@dataclass(frozen=True, kw_only=True)
class PodArgs:
    """The inputs of a slot's pods."""

    system: SystemSpec
    service: str
    slot: str
    spec: ServiceSpec
    settings: Content
    files: Content | None
    image: container.Reference
    version: container.Reference
    """Only the image's digest, as pods report it."""
    secrets: Mapping[str, container.BoundSecret]


def pod_template(args: PodArgs) -> "PodTemplateSpecArgsDict":
    """Return the pod template of a slot."""
    spec = args.spec
    pod = container.pod_defaults(args.system, names.account(args.service))
    pod["automount_service_account_token"] = bool(spec.account.permissions)
    if args.spec.model:
        loaders = model.loader(
            args.spec.model, system=args.system, image=args.image, resources=spec.resources, secrets=args.secrets
        )
        if loaders:
            pod["init_containers"] = loaders
    pod["containers"] = [_server(args)]
    pod["volumes"] = _volumes(args)
    pod["termination_grace_period_seconds"] = spec.drain.grace
    placed_pod = placed(pod, spec.scheduling, labels.select_slot(args.service, args.slot))
    own = labels.of_slot(args.system.name, args.service, args.slot)
    metadata: ObjectMetaArgsDict = {"labels": {**spec.pods.labels, **own}}
    if spec.pods.annotations:
        metadata["annotations"] = spec.pods.annotations
    return {"metadata": metadata, "spec": placed_pod}


def _server(args: PodArgs) -> "ContainerArgsDict":
    spec, health = args.spec, args.spec.health
    alive = health.liveness or health
    server: ContainerArgsDict = {
        "name": "server",
        "image": args.image,
        "image_pull_policy": container.PULL_POLICY,
        "ports": [{"name": PORT_NAME, "container_port": spec.port}],
        "env": _environment(args),
        "termination_message_policy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "security_context": container.locked_down(),
        "volume_mounts": _mounts(args),
        # Probe every second: a server that is ready after three seconds serves after three, not after a whole period.
        "startup_probe": _probe(health.ready, period=1, timeout=health.timeout, failures=health.startup),
        "readiness_probe": _probe(health.ready, period=health.period, timeout=health.timeout, failures=health.failures),
        "liveness_probe": _probe(health.live, period=alive.period, timeout=alive.timeout, failures=alive.failures),
        # The proxy learns about the termination with a delay, so the server must keep serving until then.
        "lifecycle": {"pre_stop": {"sleep": {"seconds": spec.drain.pre_stop}}},
    }
    if spec.args:
        server["args"] = list(spec.args)
    return server


def _environment(args: PodArgs) -> "list[EnvVarArgsDict]":
    spec = args.spec
    own: dict[str, container.Reference] = {
        "PORT": str(spec.port),
        "SLIPWAY_SERVICE": args.service,
        "SLIPWAY_SLOT": args.slot,
        "SLIPWAY_VERSION": args.version,
        "SLIPWAY_CONFIG_HASH": args.settings.content_hash,
        "SLIPWAY_SETTINGS": f"{FOLDER}/{FILE}",
    }
    if spec.files:
        own["SLIPWAY_CONFIG"] = spec.files.path
    told = {**spec.env, **container.addresses(args.system, spec.calls), **container.tracing(args.system)}
    told |= container.externals(args.system, spec.externals)
    return [*container.variables({**own, **told}), *container.secret_variables(spec.secrets, args.secrets)]


def _mounts(args: PodArgs) -> "list[VolumeMountArgsDict]":
    mounts: list[VolumeMountArgsDict] = [
        {"name": "settings", "mount_path": FOLDER, "read_only": True},
        container.SCRATCH,
    ]
    if args.spec.model:
        mounts.insert(0, model.mount(args.spec.model))
    if args.spec.files:
        # Mount the folder, never single files by subPath: those would not see a change.
        mounts.append({"name": "files", "mount_path": args.spec.files.path, "read_only": True})
    for name, path in args.spec.mounts.items():
        mounts.append({"name": f"volume-{name}", "mount_path": path})
    if args.spec.shared_memory:
        mounts.append({"name": "shared-memory", "mount_path": "/dev/shm"})  # noqa: S108 -- a volume of the pod
    return mounts


def _volumes(args: PodArgs) -> "list[VolumeArgsDict]":
    volumes: list[VolumeArgsDict] = [
        {"name": "settings", "config_map": {"name": config_map_name(args.service, args.slot, args.settings)}},
        container.scratch_volume(args.spec.scratch),
    ]
    if args.spec.model:
        volumes = [*model.volumes(args.spec.model, args.system), *volumes]
    if args.spec.files and args.files:
        name = files_map_name(args.service, args.slot, args.spec.files, args.files)
        volumes.append({"name": "files", "config_map": {"name": name}})
    for name in args.spec.mounts:
        volumes.append(
            {"name": f"volume-{name}", "persistent_volume_claim": {"claim_name": claim_name(args.system, name)}}
        )
    if args.spec.shared_memory:
        memory = {"medium": "Memory", "size_limit": args.spec.shared_memory}
        volumes.append({"name": "shared-memory", "empty_dir": memory})  # pyright: ignore[reportArgumentType]
    return volumes


def _probe(path: str, *, period: int, timeout: int, failures: int) -> "ProbeArgsDict":
    return {
        "http_get": {"path": path, "port": PORT_NAME},
        "period_seconds": period,
        "timeout_seconds": timeout,
        "failure_threshold": failures,
    }
