"""One slot of a service: a full set of its own, so that a release never touches what is live."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import SKIP_AWAIT, rollout_timeouts
from components.manifests import workload
from components.manifests.pod import PodArgs, pod_template
from components.manifests.settings import FILE, SettingsFile, config_map_name, settings_file
from models.release import SlotRelease
from models.scaling import Autoscaled
from models.service import ServiceSpec


@dataclass(frozen=True, kw_only=True)
class SlotArgs:
    """What fills the slot."""

    system: str
    namespace: pulumi.Output[str]
    service: str
    slot: str
    spec: ServiceSpec
    release: SlotRelease
    image: pulumi.Output[str]
    """By digest."""
    explain: pulumi.ErrorHook
    """Says why the pods are not ready when the Deployment fails."""


class Slot(pulumi.ComponentResource):
    """ConfigMap, Deployment, private Service, HPA and PDB."""

    ready: tuple[pulumi.Resource, ...]
    """What must be up before requests are routed to the slot: its pods and its private Service."""
    settings: SettingsFile

    def __init__(self, name: str, args: SlotArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Slot", name, None, opts)
        self.child = pulumi.ResourceOptions(parent=self)
        self.settings = settings_file(args.spec, args.release.server)
        config_map = self._config_map(name, args)
        self.ready = (self._deployment(name, args, config_map), self._service(name, args))
        if isinstance(args.spec.scaling, Autoscaled):
            self._autoscaler(name, args, args.spec.scaling)
        self._disruption_budget(name, args)
        self.register_outputs({})

    def _config_map(self, name: str, args: SlotArgs) -> k8s.core.v1.ConfigMap:
        # Other content is another object, made before the Deployment turns to it and deleted after.
        return k8s.core.v1.ConfigMap(
            f"{name}-settings",
            metadata=self._metadata(args, config_map_name(args.service, args.slot, self.settings)),
            immutable=True,
            data={FILE: self.settings.text},
            opts=self.child,
        )

    def _deployment(self, name: str, args: SlotArgs, config_map: k8s.core.v1.ConfigMap) -> k8s.apps.v1.Deployment:
        pod = PodArgs(
            system=args.system,
            service=args.service,
            slot=args.slot,
            spec=args.spec,
            settings=self.settings,
            image=args.image,
        )
        template = pod_template(pod)
        return k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._metadata(args),
            spec=workload.deployment_spec(service=args.service, slot=args.slot, spec=args.spec, template=template),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[config_map],
                custom_timeouts=rollout_timeouts(args.spec.rollout),
                hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),
            ),
        )

    def _service(self, name: str, args: SlotArgs) -> k8s.core.v1.Service:
        return k8s.core.v1.Service(
            f"{name}-service",
            metadata={
                **self._metadata(args),
                "labels": labels.of_private_service(args.system, args.service, args.slot),
                "annotations": SKIP_AWAIT,
            },
            spec=workload.service_spec(service=args.service, slot=args.slot),
            opts=self.child,
        )

    def _autoscaler(self, name: str, args: SlotArgs, scaling: Autoscaled) -> None:
        k8s.autoscaling.v2.HorizontalPodAutoscaler(
            f"{name}-autoscaler",
            metadata=self._metadata(args),
            spec=workload.autoscaler_spec(service=args.service, slot=args.slot, scaling=scaling),
            opts=self.child,
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
            "labels": labels.of_slot(args.system, args.service, args.slot),
        }
