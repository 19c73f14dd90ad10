"""One slot of a service: a complete set of objects, so that a release never touches the live slot."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import SKIP_AWAIT, rollout_timeouts
from components.manifests import autoscaling, settings, workload
from components.manifests.container import BoundSecret
from components.manifests.pod import PodArgs, pod_template
from components.rollout import WorkloadSource, rolled_out
from models.release import SlotRelease
from models.scaling import Autoscaled, Triggered, within
from models.service import ServiceSpec
from models.system import SystemSpec


@dataclass(frozen=True, kw_only=True)
class SlotArgs:
    """The arguments of :class:`Slot`."""

    system: SystemSpec
    namespace: pulumi.Output[str]
    service: str
    slot: str
    spec: ServiceSpec
    """The service as this slot runs it."""
    release: SlotRelease
    image: pulumi.Output[str]
    """The image by digest."""
    secrets: Mapping[str, BoundSecret]
    after: list[pulumi.Resource]
    """Resources that must exist before the pods start: secrets, claims and Jobs that have succeeded."""
    explain: pulumi.ErrorHook
    """Logs why the pods are not ready when the Deployment fails."""
    cluster: WorkloadSource
    """The source for checking the rollout if Pulumi has not waited for it."""


class Slot(pulumi.ComponentResource):
    """ConfigMaps, Deployment, private Service, HPA or ScaledObject, and PDB."""

    ready: tuple[pulumi.Input[pulumi.Resource], ...]
    """Resources that must be ready before requests are routed to the slot: its pods and its private Service."""
    config: settings.Content
    """The settings that the server reads at start. Pods report their hash."""

    def __init__(self, name: str, args: SlotArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Slot", name, None, opts)
        self.child = pulumi.ResourceOptions(parent=self)
        args = replace(args, spec=_scaled(args.spec, args.release))
        self.config = settings.settings_file(args.spec)
        pod = PodArgs(
            system=args.system,
            service=args.service,
            slot=args.slot,
            spec=args.spec,
            settings=self.config,
            files=settings.config_files(args.spec),
            image=args.image,
            version=args.image.apply(lambda reference: reference.partition("@")[2]),
            secrets=args.secrets,
        )
        deployment = self._deployment(name, args, pod)
        up = rolled_out(deployment, args.cluster, args.spec.rollout.timeout)
        self.ready = (up, self._service(name, args))
        self._scaling(name, args, deployment)
        self._disruption_budget(name, args)
        self.register_outputs({})

    def _config_maps(self, name: str, args: SlotArgs, pod: PodArgs) -> list[pulumi.Resource]:
        # New content creates a new object before the Deployment uses it. The old object is deleted later.
        own = settings.config_map_name(args.service, args.slot, pod.settings)
        maps = [self._config_map(f"{name}-settings", args, own, pod.settings, immutable=True)]
        if args.spec.files and pod.files:
            own = settings.files_map_name(args.service, args.slot, args.spec.files, pod.files)
            immutable = args.spec.files.on_change == "rollout"
            maps.append(self._config_map(f"{name}-files", args, own, pod.files, immutable=immutable))
        return maps

    def _config_map(
        self, name: str, args: SlotArgs, object_name: str, content: settings.Content, *, immutable: bool
    ) -> pulumi.Resource:
        return k8s.core.v1.ConfigMap(
            name,
            metadata=self._metadata(args, object_name),
            immutable=immutable,
            data=content.data,
            opts=self.child,
        )

    def _deployment(self, name: str, args: SlotArgs, pod: PodArgs) -> k8s.apps.v1.Deployment:
        template = pod_template(pod)
        return k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._metadata(args),
            spec=workload.deployment_spec(service=args.service, slot=args.slot, spec=args.spec, template=template),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*self._config_maps(name, args, pod), *args.after],
                custom_timeouts=rollout_timeouts(args.spec.rollout),
                hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),
            ),
        )

    def _service(self, name: str, args: SlotArgs) -> k8s.core.v1.Service:
        return k8s.core.v1.Service(
            f"{name}-service",
            metadata={
                **self._metadata(args),
                "labels": labels.of_private_service(args.system.name, args.service, args.slot),
                "annotations": SKIP_AWAIT,
            },
            spec=workload.service_spec(service=args.service, slot=args.slot),
            opts=self.child,
        )

    def _scaling(self, name: str, args: SlotArgs, deployment: pulumi.Resource) -> None:
        scaling = args.spec.scaling
        if isinstance(scaling, Autoscaled):
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                f"{name}-autoscaler",
                metadata=self._metadata(args),
                spec=autoscaling.autoscaler_spec(service=args.service, slot=args.slot, scaling=scaling),
                opts=self.child,
            )
        if isinstance(scaling, Triggered):
            k8s.apiextensions.CustomResource(
                f"{name}-scaled-object",
                api_version="keda.sh/v1alpha1",
                kind="ScaledObject",
                metadata=self._metadata(args),
                spec=autoscaling.scaled_object_spec(
                    service=args.service, slot=args.slot, system=args.system, scaling=scaling
                ),
                # KEDA retries a missing target less and less often, and a training Job may delay the Deployment.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
            )

    def _disruption_budget(self, name: str, args: SlotArgs) -> None:
        k8s.policy.v1.PodDisruptionBudget(
            f"{name}-disruption",
            metadata=self._metadata(args),
            spec=workload.disruption_budget_spec(service=args.service, slot=args.slot, disruption=args.spec.disruption),
            opts=self.child,
        )

    @staticmethod
    def _metadata(args: SlotArgs, name: str | None = None) -> k8s.meta.v1.ObjectMetaArgsDict:
        return {
            "name": name or names.slot_name(args.service, args.slot),
            "namespace": args.namespace,
            "labels": labels.of_slot(args.system.name, args.service, args.slot),
        }


def _scaled(spec: ServiceSpec, release: SlotRelease) -> ServiceSpec:
    """Narrow the entry's scaling and disruption budget to the replicas that the release sets for this slot."""
    scaling = within(spec.scaling, release.min_replicas, release.max_replicas)
    return spec.model_copy(update={"scaling": scaling, "disruption": spec.disruption.within(scaling.floor)})
