"""Objects that a system's services share: namespace, volumes, network policies, quota and limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import SKIP_AWAIT
from components.manifests import adapter, dashboards, guards, network
from components.manifests.claims import claims
from models.storage import Volume
from models.system import SystemSpec


@dataclass(frozen=True, kw_only=True)
class FoundationArgs:
    """The arguments of :class:`Foundation`."""

    system: SystemSpec
    namespace: pulumi.Output[str]
    """The namespace's name, known once every slot may run."""
    taken: pulumi.ErrorHook
    """Logs when the namespace belongs to another stack."""


class Foundation(pulumi.ComponentResource):
    """The namespace with Pod Security *restricted*, and the objects in it that belong to no single service."""

    namespace: pulumi.Output[str]
    """The namespace's name. A resource that depends on it is created after the namespace."""

    claims: dict[str, pulumi.Resource]
    """The PersistentVolumeClaims, by name: the volumes of the system, and one for each store."""

    def __init__(self, name: str, args: FoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Foundation", name, None, opts)
        system = args.system
        self.child = pulumi.ResourceOptions(parent=self)
        self.namespace = args.namespace
        self.quota_waits = not system.existing_namespace and guards.shrinks(system)
        """Whether the caller must declare the quota, after the pods that the quota must not refuse."""
        if not system.existing_namespace:  # in an existing one, the owner sets labels, quota and defaults
            self.namespace = self._namespace(name, args)
            self._container_defaults(name, system)
            if not self.quota_waits:
                self.quota(name, system)
        self._policies(name, system)
        self._adapter_rules(name, system)
        self._dashboard(name, system)
        self.claims = self._claims(name, system)
        self.register_outputs({"namespace": self.namespace})

    def _namespace(self, name: str, args: FoundationArgs) -> pulumi.Output[str]:
        system = args.system
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": args.namespace,
                "labels": {
                    **labels.of_namespace(system.name, pulumi.get_stack()),
                    **guards.pod_security_labels(system.cluster.pod_security_version),
                },
            },
            opts=pulumi.ResourceOptions(parent=self, hooks=pulumi.ResourceHookBinding(on_error=[args.taken])),
        )
        return namespace.metadata.apply(lambda metadata: metadata.name or system.namespace)

    def quota(self, name: str, system: SystemSpec, after: Sequence[pulumi.Input[pulumi.Resource]] = ()) -> None:
        """Limit what the namespace may use. ``after`` are the pods that must be replaced first."""
        k8s.core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=self._metadata(system, "quota"),
            spec={"hard": guards.quota(system)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _container_defaults(self, name: str, system: SystemSpec) -> None:
        k8s.core.v1.LimitRange(
            f"{name}-limits",
            metadata=self._metadata(system, "container-defaults"),
            spec=guards.container_defaults(),
            opts=self.child,
        )

    def _policies(self, name: str, system: SystemSpec) -> None:
        for policy, spec in network.policies(system).items():
            k8s.networking.v1.NetworkPolicy(
                f"{name}-{policy}", metadata=self._shared(system, policy), spec=spec, opts=self.child
            )

    def _adapter_rules(self, name: str, system: SystemSpec) -> None:
        """Publish the rules for a custom-metrics adapter. The adapter's own configuration belongs to the cluster."""
        if rules := adapter.adapter_rules(system):
            k8s.core.v1.ConfigMap(
                f"{name}-adapter-rules",
                metadata=self._shared(system, "adapter-rules"),
                data={"config.yaml": rules},
                opts=self.child,
            )

    def _dashboard(self, name: str, system: SystemSpec) -> None:
        data, wanted = dashboards.dashboards(system), system.cluster.dashboards
        if data and wanted:
            metadata = self._shared(system, "dashboard")
            k8s.core.v1.ConfigMap(
                f"{name}-dashboard",
                metadata={**metadata, "labels": {**wanted.labels, **labels.of_system(system.name)}},
                data=data,
                opts=self.child,
            )

    def _claims(self, name: str, system: SystemSpec) -> dict[str, pulumi.Resource]:
        return {
            claim: self._claim(f"{name}-{claim}", system, claim, volume) for claim, volume in claims(system).items()
        }

    def _claim(self, name: str, system: SystemSpec, claim: str, volume: Volume) -> pulumi.Resource:
        spec: k8s.core.v1.PersistentVolumeClaimSpecArgsDict = {
            "access_modes": [volume.access],
            "resources": {"requests": {"storage": volume.size}},
        }
        if volume.storage_class:
            spec["storage_class_name"] = volume.storage_class
        metadata = self._metadata(system, claim)
        return k8s.core.v1.PersistentVolumeClaim(
            name,
            # Many storage classes bind a claim only when a pod uses it, and the pods are created after the claim.
            metadata={**metadata, "annotations": SKIP_AWAIT},
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self, protect=system.protect),
        )

    def _shared(self, system: SystemSpec, name: str) -> k8s.meta.v1.ObjectMetaArgsDict:
        """Return metadata with a generic name, which starts with the system's name in an existing namespace."""
        return self._metadata(system, names.joined(system.name, name) if system.existing_namespace else name)

    def _metadata(self, system: SystemSpec, name: str) -> k8s.meta.v1.ObjectMetaArgsDict:
        return {"name": name, "namespace": self.namespace, "labels": labels.of_system(system.name)}
