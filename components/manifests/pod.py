"""The pod of a slot: it satisfies Pod Security *restricted*, and starts and stops without losing a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from components import labels, names
from components.manifests import container, model
from components.manifests.container import claim_name
from components.manifests.manifest import Json, Text
from components.manifests.placement import placed
from components.manifests.settings import FILE, FOLDER, Content, config_map_name, files_map_name
from models.service import ServiceSpec
from models.system import SystemSpec

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
    image: Text
    version: Text
    """Only the image's digest, as pods report it."""
    secrets: Mapping[str, container.BoundSecret]


def pod_template(args: PodArgs) -> Json:
    """Return the pod template of a slot."""
    spec = args.spec
    pod = container.pod_defaults(args.system, names.account(args.service))
    pod["automountServiceAccountToken"] = bool(spec.account.permissions)
    if args.spec.model:
        loaders = model.loader(
            args.spec.model, system=args.system, image=args.image, resources=spec.resources, secrets=args.secrets
        )
        if loaders:
            pod["initContainers"] = loaders
    pod["containers"] = [_server(args)]
    pod["volumes"] = _volumes(args)
    pod["terminationGracePeriodSeconds"] = spec.drain.grace
    placed_pod = placed(pod, spec.scheduling, labels.select_slot(args.service, args.slot))
    own = labels.of_slot(args.system.name, args.service, args.slot)
    metadata: Json = {"labels": {**spec.pods.labels, **own}}
    if spec.pods.annotations:
        metadata["annotations"] = spec.pods.annotations
    return {"metadata": metadata, "spec": placed_pod}


def _server(args: PodArgs) -> Json:
    spec, health = args.spec, args.spec.health
    alive = health.liveness or health
    server: Json = {
        "name": "server",
        "image": args.image,
        "imagePullPolicy": container.PULL_POLICY,
        "ports": [{"name": PORT_NAME, "containerPort": spec.port}],
        "env": _environment(args),
        "terminationMessagePolicy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "securityContext": container.locked_down(),
        "volumeMounts": _mounts(args),
        # Probe every second: a server that is ready after three seconds serves after three, not after a whole period.
        "startupProbe": _probe(health.ready, period=1, timeout=health.timeout, failures=health.startup),
        "readinessProbe": _probe(health.ready, period=health.period, timeout=health.timeout, failures=health.failures),
        "livenessProbe": _probe(health.live, period=alive.period, timeout=alive.timeout, failures=alive.failures),
        # The proxy learns about the termination with a delay, so the server must keep serving until then.
        "lifecycle": {"preStop": {"sleep": {"seconds": spec.drain.pre_stop}}},
    }
    if spec.args:
        server["args"] = list(spec.args)
    return server


def _environment(args: PodArgs) -> list[Json]:
    spec = args.spec
    own: dict[str, Text] = {
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


def _mounts(args: PodArgs) -> list[Json]:
    mounts: list[Json] = [
        {"name": "settings", "mountPath": FOLDER, "readOnly": True},
        container.SCRATCH,
    ]
    if args.spec.model:
        mounts.insert(0, model.mount(args.spec.model))
    if args.spec.files:
        # Mount the folder, never single files by subPath: those would not see a change.
        mounts.append({"name": "files", "mountPath": args.spec.files.path, "readOnly": True})
    for name, path in args.spec.mounts.items():
        mounts.append({"name": f"volume-{name}", "mountPath": path})
    if args.spec.shared_memory:
        mounts.append({"name": "shared-memory", "mountPath": "/dev/shm"})  # noqa: S108 -- a volume of the pod
    return mounts


def _volumes(args: PodArgs) -> list[Json]:
    volumes: list[Json] = [
        {"name": "settings", "configMap": {"name": config_map_name(args.service, args.slot, args.settings)}},
        container.scratch_volume(args.spec.scratch),
    ]
    if args.spec.model:
        volumes = [*model.volumes(args.spec.model, args.system), *volumes]
    if args.spec.files and args.files:
        name = files_map_name(args.service, args.slot, args.spec.files, args.files)
        volumes.append({"name": "files", "configMap": {"name": name}})
    for name in args.spec.mounts:
        volumes.append(
            {"name": f"volume-{name}", "persistentVolumeClaim": {"claimName": claim_name(args.system, name)}}
        )
    if args.spec.shared_memory:
        memory = {"medium": "Memory", "sizeLimit": args.spec.shared_memory}
        volumes.append({"name": "shared-memory", "emptyDir": memory})
    return volumes


def _probe(path: str, *, period: int, timeout: int, failures: int) -> Json:
    return {
        "httpGet": {"path": path, "port": PORT_NAME},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }
