"""The explicit provider: one named cluster, with client limits that do not make previews wait."""

import pulumi_kubernetes as k8s

from models.cluster import ClusterSettings


def cluster_provider(name: str, cluster: ClusterSettings) -> k8s.Provider:
    """Connect to the cluster's kube context.

    The kubeconfig itself stays out of the arguments: its path differs between machines, and a changed argument is a
    change to deploy. Left out, the SDK would put in what KUBECONFIG holds, which the plugin takes for one file even
    where it lists several; an empty one makes the plugin read KUBECONFIG itself, as kubectl does.
    """
    return k8s.Provider(
        name,
        kubeconfig="",
        context=cluster.context,
        cluster_identifier=cluster.context,
        # A ConfigMap or Secret keeps its name when its content changes only where pods are to read it again: change it
        # in place, so that it is never missing. Where a change is to be a rollout, the name holds the content's hash.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        kube_client_settings={"qps": cluster.queries_per_second, "burst": 2 * cluster.queries_per_second},
    )
