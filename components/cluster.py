"""The explicit provider: one named cluster, with client limits that do not make previews wait."""

import pulumi_kubernetes as k8s

from models.cluster import ClusterSettings


def cluster_provider(name: str, cluster: ClusterSettings) -> k8s.Provider:
    """Connect to the cluster's kube context.

    The kubeconfig itself stays out of the arguments: its path differs between machines, and a changed argument can make
    Pulumi believe in another cluster and replace everything.
    """
    return k8s.Provider(
        name,
        context=cluster.context,
        cluster_identifier=cluster.context,
        kube_client_settings={"qps": cluster.queries_per_second, "burst": 2 * cluster.queries_per_second},
    )
