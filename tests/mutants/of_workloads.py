"""Mutants of stores, Jobs, secrets, accounts and what a system's services share."""

from tests.mutants.mutant import Mutant

STORE_POD = "components/manifests/store.py"
STORE = "components/store.py"
JOB_POD = "components/manifests/job.py"
JOB = "components/job.py"
SECRETS = "components/secrets.py"
ACCOUNTS = "components/accounts.py"
CLAIMS = "components/manifests/claims.py"
FOUNDATION = "components/foundation.py"
SYSTEM = "components/system.py"
DIAGNOSIS = "components/diagnosis.py"
REASONS = "components/reasons.py"
ROLLOUT = "components/rollout.py"
SLOT = "components/slot.py"
PREFLIGHT = "components/preflight.py"
PODS = "components/test_pods.py"
STORES = "components/test_stores.py"
ROLLOUTS = "components/test_rollout.py"

MUTANTS = [
    Mutant(STORE_POD, '"replicas": 1,', '"replicas": 2,', "two servers write one volume"),
    Mutant(STORE_POD, "names.data_claim(args.name)}", "args.name}", "a claim that is not there"),
    Mutant(STORE_POD, "_probe(StoreHealth(), period", "_probe(health, period", "a store that loads its data is killed"),
    Mutant(STORE_POD, '"mount_path": spec.volume.path}', '"mount_path": "/data"}', "data beside the volume"),
    Mutant(STORE_POD, "= args.spec.grace", "= 30", "a store is killed while it writes"),
    Mutant(STORE_POD, "failures=health.startup)", "failures=health.failures)", "a slow start is killed"),
    Mutant(
        STORE_POD,
        ", *container.secret_variables(spec.secrets, args.secrets)]",
        "]",
        "a store without its password",
        PODS,
    ),
    Mutant(STORE_POD, '"target_port": PORT_NAME', '"target_port": 80', "a store that nobody reaches"),
    Mutant(STORE_POD, "elif health.command:", "elif False:", "a store is ready before it answers"),
    Mutant(STORE, "depends_on=[service, *args.after]", "depends_on=[service]", "a store before its claim and secrets"),
    Mutant(
        STORE, "hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),", "", "a store fails without a reason", PODS
    ),
    Mutant(STORE, "health.startup + args.pod.spec.grace", "grace", "the wait ends before the store is up"),
    Mutant(JOB_POD, '"backoff_limit": spec.retries,', "", "another number of attempts"),
    Mutant(JOB_POD, '"active_deadline_seconds": spec.deadline,', "", "a Job that never ends"),
    Mutant(JOB_POD, '"ttl_seconds_after_finished": spec.keep,', "", "ended Jobs stay forever"),
    Mutant(
        JOB_POD,
        'pod["restart_policy"] = "Never"',
        'pod["restart_policy"] = "Always"',
        "a Job that the API server refuses",
    ),
    Mutant(JOB_POD, '"pod_replacement_policy": "Failed",', "", "two trainers publish at once"),
    Mutant(JOB_POD, "if spec.object_storage else {}", "", "every Job is told where the storage is"),
    Mutant(JOB_POD, "container.scratch_volume(spec.scratch)", 'container.scratch_volume("64Mi")', "no room to train"),
    Mutant(JOB_POD, ", **container.addresses(args.system, spec.calls)}", "}", "callees that are not told", PODS),
    Mutant(JOB, 'f"{built} {work}"', "work", "another image trains nothing", PODS),
    Mutant(JOB, 'pod.spec.model_dump(mode="json")', "{}", "other arguments train nothing"),
    Mutant(JOB, "depends_on=args.needs,", "", "a Job before its secrets"),
    Mutant(JOB, "custom_timeouts=create_and_update(pod.spec.deadline),", "", "Pulumi gives up on a long Job"),
    Mutant(JOB, "hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),", "", "a Job fails without a reason", PODS),
    Mutant(SECRETS, "pulumi.Output.secret(value)", "value", "a secret in clear in the state"),
    Mutant(SECRETS, "type=_TYPES[spec.kind],", 'type="Opaque",', "credentials that the kubelet does not take"),
    Mutant(SECRETS, "named_by_content(args.namespace_name, key, values)\n", "key\n", "pods keep the old password"),
    Mutant(SECRETS, '"property": key}', '"property": "value"}', "another value of the secret store"),
    Mutant(SECRETS, 'f"{source.refresh}s"', '"1h"', "a rotated secret arrives late"),
    Mutant(SECRETS, 'salt=f"{namespace}/{key}".encode()', 'salt=b""', "equal secrets are seen to be equal"),
    Mutant(
        SECRETS,
        "os.environ[variable] for key, variable",
        "variable for key, variable",
        "a variable's name for its value",
    ),
    Mutant(
        ACCOUNTS, "automount_service_account_token=False", "automount_service_account_token=True", "tokens everywhere"
    ),
    Mutant(ACCOUNTS, 'rule["resource_names"] = list(permission.names)', "pass", "rights to every object of a kind"),
    Mutant(ACCOUNTS, '"verbs": list(permission.verbs)', '"verbs": ["*"]', "rights that nobody declared"),
    Mutant(ACCOUNTS, '"annotations": account.annotations}', '"annotations": {}}', "no cloud role"),
    Mutant(
        ACCOUNTS,
        "in (*system.stores, *system.jobs):",
        "in system.stores:",
        "a Job that is nobody",
        PODS,
    ),
    Mutant(
        FOUNDATION,
        "**labels.of_namespace(system.name, pulumi.get_stack()),",
        "**labels.of_system(system.name),",
        "two stacks overwrite each other",
    ),
    Mutant(FOUNDATION, ", hooks=pulumi.ResourceHookBinding(on_error=[args.taken])", "", "a conflict without a reason"),
    Mutant(FOUNDATION, "protect=system.protect", "protect=False", "data is deleted in production"),
    Mutant(CLAIMS, "if not volume.existing", "if True", "an empty claim meets the one with the data", PODS),
    Mutant(FOUNDATION, 'spec["storage_class_name"] = volume.storage_class', "pass", "a store on a slow disk"),
    Mutant(
        FOUNDATION,
        '"annotations": SKIP_AWAIT}',
        '"annotations": {}}',
        "a claim is waited for until it fails",
        "components/test_pods.py",
    ),
    Mutant(FOUNDATION, '"access_modes": [volume.access]', '"access_modes": ["ReadWriteOnce"]', "a cache for one node"),
    Mutant(
        "components/manifests/claims.py",
        "for key, store in system.stores.items()",
        "for key, store in ()",
        "stores without a claim",
        STORES,
    ),
    Mutant(SYSTEM, ", *_before(service, spec, jobs)]", "]", "a Job that nobody awaits"),
    Mutant(SYSTEM, "if service in job.before]", "]", "every service waits for every Job"),
    Mutant(
        SYSTEM,
        "*self._claims(content.runs(slot)), ",
        "",
        "pods before their claims",
        "components/test_model_sources.py",
    ),
    Mutant(
        SYSTEM, "needs=[*self._secrets.ready, *called]", "needs=[*self._secrets.ready]", "a Job before its stores", PODS
    ),
    Mutant(SYSTEM, "*([claim] if claim else [])]", "]", "a store before its claim", STORES),
    Mutant(
        SYSTEM,
        "parent=self, providers=[self._cluster])",
        "parent=self)",
        "the current context",
        "components/test_cluster.py",
    ),
    Mutant(
        DIAGNOSIS, 'or inputs["spec"]["template"]["metadata"]["labels"]', "or {}", "a Job's failure without its reason"
    ),
    Mutant(DIAGNOSIS, 'if args.type == "kubernetes:batch/v1:Job":', "if False:", "nobody knows how a Job runs again"),
    Mutant(DIAGNOSIS, "labels.STACK in error", '"" in error', "every failure is a neighbour's fault"),
    Mutant(REASONS, "_last_words(container) or ", "", "the log of the wrong attempt"),
    Mutant(
        DIAGNOSIS,
        "        return False\n\n    return explain",
        "        return True\n\n    return explain",
        "a failure is tried for ever",
    ),
    Mutant(DIAGNOSIS, "except Exception as error:", "except KeyError as error:", "an explanation hides the failure"),
    Mutant(REASONS, 'or pod["metadata"].get("deletionTimestamp")', "", "a leaving pod is blamed"),
    Mutant(PREFLIGHT, "if context not in known:", "if not known:", "an unknown context starts an update"),
    Mutant(PREFLIGHT, "if not os.environ.get(variable):", "if variable not in os.environ:", "an empty secret"),
    Mutant(PREFLIGHT, "if not (project / dockerfile).is_file():", "if False:", "a build without its Dockerfile"),
    Mutant(
        "models/stack_rules.py",
        "    yield from series_rules.faults(system)\n",
        "",
        "what the series cannot answer is found out by nobody",
        "models/test_series_rules.py",
    ),
    Mutant(ROLLOUT, "or 0) < metadata", "or 0) <= metadata", "every update asks the API server once more"),
    Mutant(ROLLOUT, "or 0) < metadata", "or 0) > metadata", "an update is over before the cluster looked at it"),
    Mutant(ROLLOUT, "if pulumi.runtime.is_dry_run():", "if False:", "a preview waits for pods that nobody asked for"),
    Mutant(ROLLOUT, "> deadline", "> deadline - seconds", "an update fails while its pods start"),
    Mutant(ROLLOUT, "{lacking}", "", "a rollout fails without a reason"),
    Mutant(ROLLOUT, ' or "no pod of it says why; look at its events"', "", "a reason that is empty"),
    Mutant(ROLLOUT, 'return " ".join(str(error).split())', "raise", "a moment without API server fails a rollout"),
    Mutant(
        ROLLOUT, 'if status.get("observedGeneration", 0) <', "if 0 >", "the status from before the change is believed"
    ),
    Mutant(ROLLOUT, "return ready and", "return", "a store counts as up while its pod starts"),
    Mutant(ROLLOUT, "return ready and status", "return ready or status", "a store counts as up that is the old one"),
    Mutant(ROLLOUT, 'if one["type"] == "Progressing"', "", "a Deployment counts as stuck that is up"),
    Mutant(ROLLOUT, 'progress == ["NewReplicaSetAvailable"]', "bool(progress)", "a rollout is over at its begin"),
    Mutant(
        ROLLOUT,
        'and status.get("replicas") == status.get("updatedReplicas")',
        "",
        "the way back to an older version is over at its begin",
    ),
    Mutant(SLOT, "self.ready = (up,", "self.ready = (deployment,", "requests before the new pods are up", ROLLOUTS),
    Mutant(SLOT, "args.cluster, args.spec.rollout.timeout", "args.cluster, 600", "the wait is not bounded", ROLLOUTS),
    Mutant(
        STORE,
        "self.ready = rolled_out(server, args.cluster, seconds)",
        "self.ready = server",
        "a store is not awaited",
        ROLLOUTS,
    ),
    Mutant(SYSTEM, "[stores[name].ready for", "[stores[name] for", "a Job runs against the old store", ROLLOUTS),
]
