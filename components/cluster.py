"""The explicit provider for one named cluster, with client limits that do not slow down previews."""

from collections.abc import Iterator, Mapping

import pulumi
import pulumi_kubernetes as k8s

from components import kubeconfig
from models.cluster import ClusterSettings

_IDENTIFIER = "slipway"
"""Never changes, so the plugin never plans a replacement of the provider, which would replace every object."""
READ_BY_THE_PLUGIN = {
    "PULUMI_K8S_ENABLE_PATCH_FORCE": "updates would overwrite fields of other managers without a conflict",
    "PULUMI_K8S_AWAIT_ALL": "updates would wait for objects that never report readiness",
}
"""Variables of the user's shell that no argument overrides, with their effects (plugin 4.25, ``os.LookupEnv``)."""


def cluster_provider(name: str, cluster: ClusterSettings, formerly: str | None = None) -> k8s.Provider:
    """Return the provider for the stack's cluster.

    No argument depends on this machine, on the user's shell or on the context's name. Every argument that has a
    ``PULUMI_K8S_`` variable is set, because the SDK fills an omitted argument from the variable.

    Args:
        name: The provider's name.
        cluster: The cluster.
        formerly: The provider's name at the last update, if it was different.
    """
    return k8s.Provider(
        name,
        kubeconfig=kubeconfig.path_of(pulumi.get_stack()),
        cluster_identifier=_IDENTIFIER,
        # Change a ConfigMap or Secret that keeps its name in place, so that it is never missing while pods reread it.
        # Where a change must start a rollout, the name contains the content's hash.
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
            "timeout": 0,  # no timeout: a watch lasts as long as a rollout
        },
        opts=pulumi.ResourceOptions(
            # Earlier versions used the context's name. Keep it, because a changed identifier replaces every object.
            ignore_changes=["clusterIdentifier"],
            aliases=[pulumi.Alias(name=formerly)] if formerly else None,
        ),
    )


def variable_faults(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield one line per variable that would change what an update does and that only the user's shell can unset."""
    for name, effect in READ_BY_THE_PLUGIN.items():
        if environment.get(name) == "true":
            yield f"the variable {name} is true: {effect}; unset {name}"
