"""One slot of a service: a complete set of objects, so that a release never touches the live slot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components import labels, names
from components.manifests import autoscaling, file_mounts, settings, workload
from components.manifests.container import BoundSecret
from components.manifests.manifest import (
    SKIP_AWAIT,
    WAIT_ELSEWHERE,
    Json,
    Manifest,
    Part,
    Text,
    metadata,
    read_from,
    written,
)
from components.manifests.pod import PodArgs, pod_template
from models.companions import SERVER
from models.release import SlotRelease
from models.scaling import Autoscaled, Triggered, within
from models.service import ServiceSpec
from models.system import SystemSpec
from models.vocabulary import SlotName

PLUGIN_SECONDS = 600
"""How long pulumi-kubernetes waits for a deletion by default (``timeout`` in its ``pkg/await/await.go``)."""
_MARGIN = 120
"""Seconds between the end of a pod's grace period and the end of its objects, on a busy cluster."""


@dataclass(frozen=True, kw_only=True)
class SlotArgs:
    """What a slot's manifests are made from."""

    system: SystemSpec
    service: str
    slot: SlotName
    spec: ServiceSpec
    """The service as this slot runs it."""
    image: Text
    """The image by digest."""
    loader: Text | None
    """The image that fetches the model, by digest."""
    secrets: Mapping[str, BoundSecret]
    after: tuple[str, ...]
    """What must be ready before the pods start: secrets, claims and Jobs that have succeeded."""

    @property
    def part(self) -> Part:
        """The component of the slot's objects."""
        return Part("Slot", f"{self.service}-{self.slot}")

    @property
    def deployment(self) -> str:
        """The id of the slot's Deployment."""
        return self.part.id_of("deployment")

    @property
    def ready(self) -> tuple[str, ...]:
        """What must be ready before requests are routed to the slot: its pods and its private Service."""
        return self.deployment, self.part.id_of("service")


def scaled(spec: ServiceSpec, release: SlotRelease) -> ServiceSpec:
    """Narrow the entry's scaling and disruption budget to the replicas that the release sets for a slot."""
    scaling = within(spec.scaling, release.min_replicas, release.max_replicas)
    return spec.model_copy(update={"scaling": scaling, "disruption": spec.disruption.within(scaling.floor)})


def slot(args: SlotArgs) -> Iterator[Manifest]:
    """Yield ConfigMaps, Deployment, private Service, HPA or ScaledObject, and PDB."""
    pod = PodArgs(
        system=args.system,
        service=args.service,
        slot=args.slot,
        spec=args.spec,
        settings=settings.settings_file(args.spec),
        files=settings.config_files(args.spec),
        texts=file_mounts.texts(args.spec),
        image=args.image,
        loader=args.loader,
        version=read_from(args.image, lambda reference: reference.partition("@")[2]),
        secrets=args.secrets,
    )
    maps = list(_config_maps(args, pod))
    yield from maps
    yield _deployment(args, pod, tuple(one.id for one in maps))
    yield _service(args)
    yield from _scaling(args)
    budget = workload.disruption_budget_spec(service=args.service, slot=args.slot, disruption=args.spec.disruption)
    yield _made(args, "disruption", "PodDisruptionBudget", budget)


def _config_maps(args: SlotArgs, pod: PodArgs) -> Iterator[Manifest]:
    # New content creates a new object before the Deployment uses it. The old object is deleted later.
    if pod.settings:
        own = settings.config_map_name(args.service, args.slot, pod.settings)
        yield _config_map(args, "settings", own, pod.settings, immutable=True)
    if args.spec.files and pod.files:
        own = settings.files_map_name(args.service, args.slot, args.spec.files, pod.files)
        yield _config_map(args, "files", own, pod.files, immutable=args.spec.files.on_change == "rollout")
    if pod.texts:
        own = file_mounts.texts_map_name(args.service, args.slot, pod.texts)
        yield _config_map(args, "texts", own, pod.texts, immutable=True)


def _config_map(args: SlotArgs, role: str, name: str, content: settings.Content, *, immutable: bool) -> Manifest:
    document = written("ConfigMap", _metadata(args, name), immutable=immutable, data=dict(content.data))
    return args.part.manifest(role, document)


def _deployment(args: SlotArgs, pod: PodArgs, maps: tuple[str, ...]) -> Manifest:
    template = pod_template(pod)
    spec = workload.deployment_spec(service=args.service, slot=args.slot, spec=args.spec, template=template)
    return args.part.manifest(
        "deployment",
        written("Deployment", {**_metadata(args), "annotations": WAIT_ELSEWHERE}, spec=spec),
        after=(*maps, *args.after),
        wait=args.spec.rollout.timeout,
        gone=_gone_within(args.spec.drain.grace),
    )


def _gone_within(grace: int) -> int | None:
    """Return how long an update waits until the Deployment and its pods are gone; None = the plugin's ten minutes."""
    return grace + _MARGIN if grace + _MARGIN > PLUGIN_SECONDS else None


def _service(args: SlotArgs) -> Manifest:
    own = labels.of_private_service(args.system.name, args.service, args.slot)
    described = metadata(args.system, names.slot_name(args.service, args.slot), own, SKIP_AWAIT)
    spec = workload.service_spec(
        service=args.service, slot=args.slot, ports=args.spec.open_ports, protocol=args.spec.app_protocol
    )
    return args.part.manifest("service", written("Service", described, spec=spec))


def _scaling(args: SlotArgs) -> Iterator[Manifest]:
    scaling = args.spec.scaling
    # Without sidecars, the pod's average is the server's.
    measured = SERVER if args.spec.sidecars else None
    if isinstance(scaling, Autoscaled):
        spec = autoscaling.autoscaler_spec(service=args.service, slot=args.slot, scaling=scaling, container=measured)
        yield _made(args, "autoscaler", "HorizontalPodAutoscaler", spec)
    if isinstance(scaling, Triggered):
        spec = autoscaling.scaled_object_spec(
            service=args.service, slot=args.slot, system=args.system, scaling=scaling, container=measured
        )
        # KEDA retries a missing target less and less often, and a training Job may delay the Deployment.
        own = _metadata(args, names.scaled_object(args.service, args.slot))
        document = written("ScaledObject", own, spec=spec)
        yield args.part.manifest("scaled-object", document, after=(args.deployment,))


def _made(args: SlotArgs, role: str, kind: str, spec: Json) -> Manifest:
    return args.part.manifest(role, written(kind, _metadata(args), spec=spec))


def _metadata(args: SlotArgs, name: str | None = None) -> Json:
    own = labels.of_slot(args.system.name, args.service, args.slot)
    return metadata(args.system, name or names.slot_name(args.service, args.slot), own)
