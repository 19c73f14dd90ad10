"""What a system's services share: namespace, account, network rules and the fences around them."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.manifests import guards, network
from components.manifests.pod import ACCOUNT
from models.system import SystemSpec


@dataclass(frozen=True, kw_only=True)
class FoundationArgs:
    """What the foundation is made from."""

    system: SystemSpec


class Foundation(pulumi.ComponentResource):
    """Namespace with Pod Security *restricted*, and everything in it that belongs to no single service."""

    namespace: pulumi.Output[str]
    """The namespace's name; depending on it orders a resource behind the namespace."""

    def __init__(self, name: str, args: FoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Foundation", name, None, opts)
        system = args.system
        self.child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": system.namespace,
                "labels": {
                    **labels.of_system(system.name),
                    **guards.pod_security_labels(system.cluster.pod_security_version),
                },
            },
            opts=self.child,
        )
        self.namespace = namespace.metadata.apply(lambda metadata: metadata.name or system.namespace)
        self._account(name, system)
        self._fences(name, system)
        self._policies(name, system)
        self.register_outputs({"namespace": self.namespace})

    def _account(self, name: str, system: SystemSpec) -> None:
        k8s.core.v1.ServiceAccount(
            f"{name}-account",
            metadata=self._metadata(system, ACCOUNT),
            automount_service_account_token=False,  # a model server has no business with the API server
            opts=self.child,
        )

    def _fences(self, name: str, system: SystemSpec) -> None:
        specs = [service.spec for service in system.services.values()]
        k8s.core.v1.ResourceQuota(
            f"{name}-quota",
            metadata=self._metadata(system, "quota"),
            spec={"hard": guards.quota(specs)},
            opts=self.child,
        )
        k8s.core.v1.LimitRange(
            f"{name}-limits",
            metadata=self._metadata(system, "container-defaults"),
            spec=guards.container_defaults(),
            opts=self.child,
        )

    def _policies(self, name: str, system: SystemSpec) -> None:
        policies = {"default-deny": network.default_deny(), "dns": network.dns_egress()}
        for service, deployed in system.services.items():
            allowed = network.service_ingress(service=service, spec=deployed.spec, cluster=system.cluster)
            policies[names.joined("to", service)] = allowed
        for policy, spec in policies.items():
            k8s.networking.v1.NetworkPolicy(
                f"{name}-{policy}", metadata=self._metadata(system, policy), spec=spec, opts=self.child
            )

    def _metadata(self, system: SystemSpec, name: str) -> k8s.meta.v1.ObjectMetaArgsDict:
        return {"name": name, "namespace": self.namespace, "labels": labels.of_system(system.name)}
