"""A Kubernetes Job, which must succeed before the services that wait for it start."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import create_and_update
from components.manifests.job import JobPodArgs, job_spec


@dataclass(frozen=True, kw_only=True)
class JobArgs:
    """The arguments of :class:`Job`."""

    pod: JobPodArgs
    namespace: pulumi.Output[str]
    needs: list[pulumi.Input[pulumi.Resource]]
    """Resources that must be ready before the Job starts: secrets, and the stores that it calls."""
    explain: pulumi.ErrorHook


class Job(pulumi.ComponentResource):
    """One Kubernetes Job. The update waits until it ends.

    A Job is immutable, so its name contains a hash of its image and spec. A change creates a new Job and deletes the
    old one. A rotated secret runs the Job again under its old name, which is safe: publishing a model that already
    exists changes nothing. When the Job's time to live is over, the cluster removes it. Pulumi's state still records
    that it succeeded.
    """

    done: pulumi.Resource
    """A resource that depends on it waits until the Job succeeds."""

    def __init__(self, name: str, args: JobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:Job", name, None, opts)
        pod = args.pod
        work = json.dumps(pod.spec.model_dump(mode="json"), sort_keys=True)
        image: pulumi.Output[str] = pod.image
        named = image.apply(lambda built: names.joined(pod.name, names.content_hash(f"{built} {work}")))
        self.done = k8s.batch.v1.Job(
            f"{name}-job",
            metadata={
                "name": named,
                "namespace": args.namespace,
                "labels": labels.of_service(pod.system.name, pod.name),
            },
            spec=job_spec(pod),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=args.needs,
                custom_timeouts=create_and_update(pod.spec.deadline),
                delete_before_replace=True,  # otherwise `pulumi up --replace` finds the failed Job by its name
                hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),
            ),
        )
        self.register_outputs({})
