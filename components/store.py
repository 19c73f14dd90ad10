"""A store: a server that keeps data, with its volume."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels
from components.awaiting import SKIP_AWAIT, create_and_update
from components.manifests import store
from components.manifests.store import StorePodArgs
from components.rollout import WorkloadSource, rolled_out

_IMAGE_PULL = 120
"""Extra seconds on top of the store's own limits, for a node that does not have the image yet."""


@dataclass(frozen=True, kw_only=True)
class StoreArgs:
    """The arguments of :class:`Store`."""

    pod: StorePodArgs
    namespace: pulumi.Output[str]
    after: list[pulumi.Resource]
    """Resources that must exist before the pod: secrets, and the claim of its volume, which outlives the pod."""
    explain: pulumi.ErrorHook
    cluster: WorkloadSource
    """The source for checking the rollout if Pulumi has not waited for it."""


class Store(pulumi.ComponentResource):
    """A StatefulSet with one replica, and its Service."""

    ready: pulumi.Input[pulumi.Resource]
    """A resource that depends on it waits until the store answers."""

    def __init__(self, name: str, args: StoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Store", name, None, opts)
        metadata: k8s.meta.v1.ObjectMetaArgsDict = {
            "name": args.pod.name,
            "namespace": args.namespace,
            "labels": labels.of_service(args.pod.system.name, args.pod.name),
        }
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata={**metadata, "annotations": SKIP_AWAIT},
            spec=store.service_spec(args.pod),
            opts=pulumi.ResourceOptions(parent=self),
        )
        seconds = args.pod.spec.health.startup + args.pod.spec.grace + _IMAGE_PULL
        server = k8s.apps.v1.StatefulSet(
            f"{name}-server",
            metadata=metadata,
            spec=store.stateful_set_spec(args.pod),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[service, *args.after],
                custom_timeouts=create_and_update(seconds),
                hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),
            ),
        )
        self.ready = rolled_out(server, args.cluster, seconds)
        self.register_outputs({})
