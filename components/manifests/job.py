"""A Kubernetes Job, which must succeed before the services that wait for it start."""

import json

from components import labels, names
from components.manifests import container
from components.manifests.manifest import Json, Manifest, Part, metadata, read_from, written
from components.manifests.placement import placed
from models.jobs import JobSpec
from models.variables import texts

JobArgs = container.WorkloadArgs[JobSpec]


def job_id(name: str) -> str:
    """Return the id of a Job's manifest, which is ready when the Job has succeeded."""
    return _part(name).id_of("job")


def job(args: JobArgs) -> Manifest:
    """Return one Job. The update waits until it ends.

    A Job is immutable, so its name contains a hash of its image and spec. A change creates a new Job and deletes the
    old one. A rotated secret runs the Job again under its old name, which is safe: publishing a model that already
    exists changes nothing. When the Job's time to live is over, the cluster removes it. Pulumi's state still records
    that it succeeded.
    """
    work = json.dumps(args.spec.model_dump(mode="json"), sort_keys=True)
    name = read_from(args.image, lambda built: names.joined(args.name, names.content_hash(f"{built} {work}")))
    described = metadata(args.system, name, labels.of_service(args.system.name, args.name))
    document = written("Job", described, spec=job_spec(args))
    return _part(args.name).manifest("job", document, after=args.after, wait=args.spec.deadline)


def _part(job: str) -> Part:
    return Part("Job", job)


def job_spec(args: JobArgs) -> Json:
    """Return the spec of a Job with limited attempts, a deadline and a time to live."""
    spec = args.spec
    pod = container.pod_defaults(args.system, names.account(args.name))
    pod["restartPolicy"] = "Never"  # each attempt is a new pod, so its log stays
    pod["containers"] = [_worker(args)]
    pod["volumes"] = [container.scratch_volume(spec.scratch)]
    return {
        "backoffLimit": spec.retries,
        # The next attempt starts only after the last pod has terminated: two trainers never publish at once.
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": spec.deadline,
        "ttlSecondsAfterFinished": spec.keep,
        "template": {
            "metadata": {"labels": labels.of_service(args.system.name, args.name)},
            "spec": placed(pod, spec.scheduling, labels.select_service(args.name)),
        },
    }


def _worker(args: JobArgs) -> Json:
    spec = args.spec
    told = {**texts(spec.env), **container.addresses(args.system, spec.calls)}
    told |= container.externals(args.system, spec.externals)
    told |= container.object_storage(args.system) if spec.object_storage else {}
    worker: Json = {
        "name": "job",
        "image": args.image,
        "imagePullPolicy": container.PULL_POLICY,
        "env": [*container.variables(told), *container.secret_variables(spec.secrets, args.secrets)],
        "terminationMessagePolicy": container.LAST_WORDS,
        "resources": container.requirements(spec.resources),
        "securityContext": container.locked_down(),
        "volumeMounts": [container.SCRATCH],
    }
    if spec.args:
        worker["args"] = list(spec.args)
    return worker
