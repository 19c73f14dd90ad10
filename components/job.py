"""A Job: work that ends before the services that wait for it start."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import labels, names
from components.awaiting import create_and_update
from components.manifests.job import JobPodArgs, job_spec


@dataclass(frozen=True, kw_only=True)
class JobArgs:
    """What is worked on."""

    pod: JobPodArgs
    namespace: pulumi.Output[str]
    needs: list[pulumi.Input[pulumi.Resource]]
    """What must be up before it starts: secrets, and the stores that it calls."""
    explain: pulumi.ErrorHook


class Job(pulumi.ComponentResource):
    """One Kubernetes Job, awaited to its end.

    A Job cannot be changed, so its name holds a hash of what it does: other work is another Job, and the old one goes.
    A rotated secret runs it again under its old name: publishing a model that is there already changes nothing.
    Once it has ended and its time to live is over, the cluster removes it; Pulumi's state keeps that it succeeded.
    """

    done: pulumi.Resource
    """Depending on it waits for success."""

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
                delete_before_replace=True,  # else `pulumi up --replace` finds the failed Job under the new one's name
                hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),
            ),
        )
        self.register_outputs({})
