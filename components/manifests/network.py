"""NetworkPolicies: nothing flows unless a line here says so."""

from typing import TYPE_CHECKING

from components import labels
from components.manifests.pod import PORT_NAME
from models.cluster import ClusterSettings
from models.service import ServiceSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.networking.v1 import NetworkPolicyIngressRuleArgsDict, NetworkPolicySpecArgsDict

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_DNS_PORT = 53


def default_deny() -> "NetworkPolicySpecArgsDict":
    """Close the namespace in both directions."""
    return {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}


def dns_egress() -> "NetworkPolicySpecArgsDict":
    """Let every pod resolve names, at any address: node-local DNS caches are on link-local ones."""
    ports = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")]
    return {"pod_selector": {}, "policy_types": ["Egress"], "egress": [{"ports": ports}]}  # pyright: ignore[reportReturnType]


def service_ingress(*, service: str, spec: ServiceSpec, cluster: ClusterSettings) -> "NetworkPolicySpecArgsDict":
    """Admit the ingress controller to a routed service and Prometheus to a monitored one, at its port alone."""
    namespaces: list[str] = []
    if spec.route is not None:
        namespaces.append(cluster.ingress_namespace)
    if spec.monitoring is not None and cluster.monitoring:
        namespaces.append(cluster.monitoring_namespace)
    rules: list[NetworkPolicyIngressRuleArgsDict] = [
        {
            "from_": [
                {"namespace_selector": {"match_labels": {_NAMESPACE_NAME: namespace}}} for namespace in namespaces
            ],
            "ports": [{"protocol": "TCP", "port": PORT_NAME}],
        }
    ]
    return {
        "pod_selector": {"match_labels": labels.select_service(service)},
        "policy_types": ["Ingress"],
        # A rule with an empty "from" admits everybody, the opposite of what no namespace means.
        "ingress": rules if namespaces else [],
    }
