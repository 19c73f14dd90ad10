"""The pod of a slot: it satisfies Pod Security *restricted*, and starts and stops without losing a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from components import labels, names
from components.manifests import companions, container, file_mounts, model, probes
from components.manifests.container import claim_name
from components.manifests.manifest import Json, Text
from components.manifests.placement import placed
from components.manifests.settings import FILE, Content, config_map_name, files_map_name
from models.companions import SERVER
from models.ports import MANAGEMENT, WEB
from models.service import ServiceSpec
from models.system import SystemSpec
from models.variables import texts
from models.vocabulary import MEMORY_PATH, SETTINGS_PATH

PORT_NAME = WEB
"""The port's name in Services, Ingresses and policies. Its number may change in a rollout."""
MANAGEMENT_NAME = MANAGEMENT
"""The name of the port for metrics in ServiceMonitors and policies. No Service has it."""


@dataclass(frozen=True, kw_only=True)
class PodArgs:
    """The inputs of a slot's pods."""

    system: SystemSpec
    service: str
    slot: str
    spec: ServiceSpec
    settings: Content | None
    """None for a server that is not Slipway's own."""
    files: Content | None
    texts: Content | None
    """The texts of single files."""
    image: Text
    loader: Text | None
    """The image that fetches the model; None if the service's own image does, or if the model is mounted."""
    version: Text
    """Only the image's digest, as pods report it."""
    secrets: Mapping[str, container.BoundSecret]


def pod_template(args: PodArgs) -> Json:
    """Return the pod template of a slot."""
    spec = args.spec
    pod = container.pod_defaults(args.system, names.account(args.service), spec.user)
    pod["securityContext"]["runAsNonRoot"] = spec.unprivileged
    pod["automountServiceAccountToken"] = bool(spec.account.permissions)
    server = _server(args)
    if before := _before(args, server["volumeMounts"]):
        pod["initContainers"] = before
    pod["containers"] = [server]
    pod["volumes"] = _volumes(args)
    pod["terminationGracePeriodSeconds"] = spec.drain.grace
    placed_pod = placed(pod, spec.scheduling, labels.select_slot(args.service, args.slot))
    metrics = MANAGEMENT_NAME if spec.management_port is not None else None
    own = labels.of_pod(args.system.name, args.service, args.slot, metrics=metrics)
    metadata: Json = {"labels": {**spec.pods.labels, **own}}
    if spec.pods.annotations:
        metadata["annotations"] = spec.pods.annotations
    return {"metadata": metadata, "spec": placed_pod}


def _before(args: PodArgs, mounts: list[Json]) -> list[Json]:
    """Return what starts before the server: sidecars, the model's loader and the entry's init containers."""
    spec = args.spec
    loaders = model.init_containers(
        spec, system=args.system, image=args.image, loader=args.loader, secrets=args.secrets
    )
    return [
        *companions.sidecars(spec, args.image, args.secrets, mounts),
        *loaders,
        *companions.init(spec, args.image, args.secrets, mounts),
    ]


def _server(args: PodArgs) -> Json:
    spec = args.spec
    own_ports = spec.ports or {}
    added = spec.pod_security.capabilities if spec.pod_security else ()
    server: Json = {
        "name": SERVER,
        "image": args.image,
        "imagePullPolicy": container.PULL_POLICY,
        "ports": _ports(spec),
        "env": _environment(args),
        "terminationMessagePolicy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "securityContext": {**container.restricted(None, None, added), "runAsNonRoot": spec.unprivileged},
        "volumeMounts": _mounts(args),
        # Probe the port that clients use: the other one may answer when this one does not.
        **probes.of_server(spec.health, spec.port, own_ports),
    }
    if spec.drain.pre_stop:  # API servers before 1.33 refuse a sleep of 0 s
        # The proxy learns about the termination with a delay, so the server must keep serving until then.
        server["lifecycle"] = {"preStop": {"sleep": {"seconds": spec.drain.pre_stop}}}
    if spec.command:
        server["command"] = list(spec.command)
    if arguments := [*spec.args, *(spec.drain.told(text) for text in spec.drain.args or ())]:
        server["args"] = arguments
    return server


def _ports(spec: ServiceSpec) -> list[Json]:
    opened = {} if spec.entrance else {PORT_NAME: spec.port}
    if spec.management_port is not None:
        opened[MANAGEMENT_NAME] = spec.management_port
    return container.ports({**opened, **(spec.ports or {})})


def _environment(args: PodArgs) -> list[Json]:
    spec = args.spec
    told: dict[str, Text] = {"PORT": str(spec.port)}
    if args.settings:
        told |= {
            **({"SLIPWAY_MANAGEMENT_PORT": str(spec.management_port)} if spec.management_port else {}),
            "SLIPWAY_SERVICE": args.service,
            "SLIPWAY_SLOT": args.slot,
            "SLIPWAY_VERSION": args.version,
            "SLIPWAY_CONFIG_HASH": args.settings.content_hash,
            "SLIPWAY_SETTINGS": f"{SETTINGS_PATH}/{FILE}",
        }
        if spec.files:
            told["SLIPWAY_CONFIG"] = spec.files.path
    if spec.home:
        told["HOME"] = spec.home.path
    # Another server may need its own PORT and collector, so the variables of the entry override these.
    told |= {} if args.settings else container.tracing(args.system)
    told |= {name: spec.drain.told(text) for name, text in (spec.drain.env or {}).items()}
    told |= texts(spec.env) | container.addresses(args.system, spec.calls)
    told |= container.tracing(args.system) if args.settings else {}
    told |= container.externals(args.system, spec.externals)
    return [*container.variables(told), *container.secret_variables(spec.secrets, args.secrets)]


def _mounts(args: PodArgs) -> list[Json]:
    mounts: list[Json] = [container.SCRATCH]
    if args.settings:
        mounts.insert(0, {"name": "settings", "mountPath": SETTINGS_PATH, "readOnly": True})
    if args.spec.model:
        mounts.insert(0, model.mount(args.spec.model))
    if args.spec.files:
        # Mount the folder, never single files by subPath: those would not see a change.
        mounts.append({"name": "files", "mountPath": args.spec.files.path, "readOnly": True})
    for name, path in args.spec.mounts.items():
        mounts.append({"name": f"volume-{name}", "mountPath": path})
    if args.spec.shared_memory:
        mounts.append({"name": "shared-memory", "mountPath": MEMORY_PATH})
    mounts += [{"name": companions.folder_name(path), "mountPath": path} for path in args.spec.folders]
    return [*mounts, *file_mounts.mounts(SERVER, args.spec.file_mounts or {})]


def _volumes(args: PodArgs) -> list[Json]:
    volumes: list[Json] = [container.scratch_volume(args.spec.scratch)]
    if args.settings:
        name = config_map_name(args.service, args.slot, args.settings)
        volumes.insert(0, {"name": "settings", "configMap": {"name": name}})
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
    volumes += [container.bounded(companions.folder_name(path), size) for path, size in args.spec.folders.items()]
    texts_map = args.texts and file_mounts.texts_map_name(args.service, args.slot, args.texts)
    return [*volumes, *companions.volumes(args.spec), *file_mounts.volumes(args.spec, texts_map, args.secrets)]
