"""The spec of a Job and its pod."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import labels, names
from components.manifests import container
from components.manifests.placement import placed
from models.jobs import JobSpec
from models.system import SystemSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.batch.v1 import JobSpecArgsDict
    from pulumi_kubernetes.core.v1 import ContainerArgsDict


@dataclass(frozen=True, kw_only=True)
class JobPodArgs:
    """The inputs of a Job's pod."""

    system: SystemSpec
    name: str
    spec: JobSpec
    image: container.Reference
    secrets: Mapping[str, container.BoundSecret]


def job_spec(args: JobPodArgs) -> "JobSpecArgsDict":
    """Return the spec of a Job with limited attempts, a deadline and a time to live."""
    spec = args.spec
    pod = container.pod_defaults(args.system, names.account(args.name))
    pod["restart_policy"] = "Never"  # each attempt is a new pod, so its log stays
    pod["containers"] = [_worker(args)]
    pod["volumes"] = [container.scratch_volume(spec.scratch)]
    return {
        "backoff_limit": spec.retries,
        # The next attempt starts only after the last pod has terminated: two trainers never publish at once.
        "pod_replacement_policy": "Failed",
        "active_deadline_seconds": spec.deadline,
        "ttl_seconds_after_finished": spec.keep,
        "template": {
            "metadata": {"labels": labels.of_service(args.system.name, args.name)},
            "spec": placed(pod, spec.scheduling, labels.select_service(args.name)),
        },
    }


def _worker(args: JobPodArgs) -> "ContainerArgsDict":
    spec = args.spec
    told = {**spec.env, **container.addresses(args.system, spec.calls)}
    told |= container.externals(args.system, spec.externals)
    told |= container.object_storage(args.system) if spec.object_storage else {}
    worker: ContainerArgsDict = {
        "name": "job",
        "image": args.image,
        "image_pull_policy": container.PULL_POLICY,
        "env": [*container.variables(told), *container.secret_variables(spec.secrets, args.secrets)],
        "termination_message_policy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "security_context": container.locked_down(),
        "volume_mounts": [container.SCRATCH],
    }
    if spec.args:
        worker["args"] = list(spec.args)
    return worker
