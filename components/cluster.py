"""The explicit provider: one named cluster, with client limits that do not make previews wait."""

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_kubernetes as k8s

from components import kubeconfig
from models.cluster import ClusterSettings

_IDENTIFIER = "slipway"
"""Never changes, so the plugin never plans a replacement of the provider, which would replace every object."""
READ_BY_THE_PLUGIN = {
    "PULUMI_K8S_ENABLE_PATCH_FORCE": "updates would overwrite what others manage, without a conflict",
    "PULUMI_K8S_AWAIT_ALL": "updates would wait for objects that never report to be ready",
}
"""Variables of the user's shell that no argument overrides, with what they do (plugin 4.25, ``os.LookupEnv``)."""


def cluster_provider(name: str, cluster: ClusterSettings, formerly: str | None = None) -> k8s.Provider:
    """Connect to the stack's cluster.

    No argument depends on this machine, on the user's shell or on the context's name. Every argument with a
    ``PULUMI_K8S_`` variable is given, because the SDK puts the variable's value into an argument that is left out.

    Args:
        name: The provider's name.
        cluster: The cluster.
        formerly: The provider's name at the last update, where it was another one.
    """
    return k8s.Provider(
        name,
        kubeconfig=kubeconfig.path_of(pulumi.get_stack()),
        cluster_identifier=_IDENTIFIER,
        # A ConfigMap or Secret keeps its name when its content changes only where pods are to read it again: change it
        # in place, so that it is never missing. Where a change is to be a rollout, the name holds the content's hash.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        enable_server_side_apply=True,
        delete_unreachable=False,
        skip_update_unreachable=False,
        suppress_deprecation_warnings=False,
        suppress_helm_hook_warnings=False,
        kube_client_settings={
            "qps": cluster.queries_per_second,
            "burst": 2 * cluster.queries_per_second,
            "timeout": 0,  # none: a watch lasts as long as a rollout
        },
        opts=pulumi.ResourceOptions(
            # Earlier versions put the context's name there. A changed one replaces everything; one that stays does not.
            ignore_changes=["clusterIdentifier"],
            aliases=[pulumi.Alias(name=formerly)] if formerly else None,
        ),
    )


def variable_faults(environment: Mapping[str, str]) -> Iterator[str]:
    """Name the variables that would change what an update does, and that only the user's shell can unset."""
    for name, effect in READ_BY_THE_PLUGIN.items():
        if environment.get(name) == "true":
            yield f"the variable {name} is true: {effect}; unset {name}"
