"""Mutants of pods and slots: servers that would start wrongly, stop wrongly, or may do what they should not."""

from tests.mutants.mutant import Mutant

CONTAINER = "components/manifests/container.py"
MODEL = "components/manifests/model.py"
POD = "components/manifests/pod.py"
SETTINGS = "components/manifests/settings.py"
SLOT = "components/slot.py"
WORKLOAD = "components/manifests/workload.py"
FILES = "components/test_config_files.py"
MODELS = "components/test_model_sources.py"
PODS = "components/test_pods.py"
SECRETS = "components/test_secrets.py"

MUTANTS = [
    Mutant(
        "components/system.py",
        "if self._foundation.quota_waits:",
        "if False:",
        "an update that shrinks has no quota",
        "components/test_pinning.py",
    ),
    Mutant(
        "components/system.py",
        "self._foundation.quota(name, spec, self._up)",
        "self._foundation.quota(name, spec)",
        "a quota that shrinks first keeps new pods out",
        "components/test_pinning.py",
    ),
    Mutant(
        "components/manifests/guards.py",
        "return any(total > now",
        "return any(total >= now",
        "every update waits for its quota",
        "components/test_pinning.py",
    ),
    Mutant(CONTAINER, '"automount_service_account_token": False', '"automount_service_account_token": True', "a token"),
    Mutant(CONTAINER, '"capabilities": {"drop": ["ALL"]},', '"capabilities": {},', "restricted refuses the pod"),
    Mutant(CONTAINER, '"read_only_root_filesystem": True,', "", "a writable root"),
    Mutant(CONTAINER, '"seccomp_profile": {"type": "RuntimeDefault"},', "", "restricted refuses the pod"),
    Mutant(CONTAINER, '"fs_group": USER_ID,', "", "a volume that the server cannot write"),
    Mutant(CONTAINER, '"enable_service_links": False,', "", "a variable for every Service of the namespace"),
    Mutant(CONTAINER, "if system.pull_secrets:", "if False:", "an image that nobody may pull"),
    Mutant(CONTAINER, '"name": secrets[name][0], "key"', '"name": name, "key"', "a Secret that is not there", SECRETS),
    Mutant(CONTAINER, "for key in secrets[name][1].keys", "for key in ()", "no secret in the environment", SECRETS),
    Mutant(CONTAINER, ".spec.exposure.port", ".spec.port", "the Service's address with the pods' port"),
    Mutant(CONTAINER, "store.port if store", "80 if store", "a store's address with another port"),
    Mutant(CONTAINER, '"AWS_REGION": system.object_storage.region', "", "another region's storage", MODELS),
    Mutant(CONTAINER, '"OTEL_EXPORTER_OTLP_ENDPOINT"', '"OTEL_ENDPOINT"', "traces that go nowhere"),
    Mutant(
        CONTAINER, "url_variable(name): system", "address_variable(name): system", "an external server of another name"
    ),
    Mutant(
        CONTAINER, "system.volumes[volume].existing or volume", "volume", "an empty claim for the one with the data"
    ),
    Mutant(
        CONTAINER,
        '"limits": {**amounts(resources.limits), **pieces}',
        '"limits": amounts(resources.limits)',
        "a device without a limit",
    ),
    Mutant(
        CONTAINER,
        '"empty_dir": {"size_limit": size}',
        '"empty_dir": {}',
        "scratch fills the node",
        "components/test_jobs.py",
    ),
    Mutant(
        MODEL,
        "requirements(resources, with_devices=False)",
        "requirements(resources)",
        "the model loader takes a GPU",
        PODS,
    ),
    Mutant(MODEL, "if model.checksum:", "if False:", "a checksum that nobody checks"),
    Mutant(MODEL, 'command += ["--cache", model.cache.path]', "pass", "every start fetches again"),
    Mutant(MODEL, '"mount_path": model.path, "read_only": True}', '"mount_path": model.path}', "a model that changes"),
    Mutant(MODEL, 'seen["sub_path"] = folder', "pass", "another folder's model"),
    Mutant(MODEL, '"empty_dir": {"size_limit": model.size}', '"empty_dir": {}', "a model fills the node"),
    Mutant(MODEL, 'object_storage(system) if model.scheme == "s3" else {}', "{}", "the model of another storage"),
    Mutant(MODEL, ", *secret_variables(model.secrets, secrets)]", "]", "storage that lets nobody in"),
    Mutant(MODEL, 'model.uri.removeprefix("oci://")', "model.uri", "an image that cannot be pulled"),
    Mutant(
        MODEL, '"claim_name": claim_name(system, model.claim[0])', '"claim_name": "model"', "a claim that is not there"
    ),
    Mutant(MODEL, ', "read_only": True}\n        return', "}\n        return", "pods that may change the shared model"),
    Mutant(
        POD,
        '["automount_service_account_token"] = bool(spec.account.permissions)',
        '["automount_service_account_token"] = True',
        "a token for every service",
        PODS,
    ),
    Mutant(POD, 'own["SLIPWAY_CONFIG"] = spec.files.path', "pass", "files that the server does not find", FILES),
    Mutant(
        POD, '{"claim_name": claim_name(args.system, name)}', '{"claim_name": name}', "another claim than the entry's"
    ),
    Mutant(POD, '"medium": "Memory", ', "", "shared memory on a disk"),
    Mutant(POD, "told |= container.externals(args.system, spec.externals)", "pass", "an external server is not told"),
    Mutant(POD, ", **container.tracing(args.system)}", "}", "no traces"),
    Mutant(POD, "**container.addresses(args.system, spec.calls), ", "", "callees that are not told"),
    Mutant(POD, "alive = health.liveness or health", "alive = health", "liveness at readiness' pace"),
    Mutant(POD, "if spec.pods.annotations:", "if False:", "a mesh that does not see the pod"),
    Mutant(
        POD,
        "_probe(health.ready, period=health.period",
        "_probe(health.live, period=health.period",
        "ready without a model",
    ),
    Mutant(POD, "_probe(health.live, period=alive", "_probe(health.ready, period=alive", "killed while draining"),
    Mutant(POD, "failures=health.startup)", "failures=health.failures)", "a slow start is killed"),
    Mutant(POD, '"lifecycle": {"pre_stop": {"sleep": {"seconds": spec.drain.pre_stop}}},', "", "requests are lost"),
    Mutant(POD, 'pod["termination_grace_period_seconds"] = spec.drain.grace', "", "draining is cut off at 30 s"),
    Mutant(
        "components/slot.py",
        'reference.partition("@")[2]',
        'reference.partition("@")[0]',
        "answers without their version",
    ),
    Mutant(
        POD,
        "files_map_name(args.service, args.slot, args.spec.files, args.files)",
        "args.service",
        "files of nobody",
        FILES,
    ),
    Mutant(
        "models/revision.py",
        "self.server or spec.server",
        "spec.server",
        "a release's settings are ignored",
        "components/test_settings.py",
    ),
    Mutant(
        SETTINGS,
        "names.joined(service, slot, settings.content_hash)",
        "names.joined(service, slot)",
        "a ConfigMap that is replaced in place",
    ),
    Mutant(SETTINGS, 'if files.on_change == "rollout" else', "if False else", "a change that no pod ever sees", FILES),
    Mutant(
        "models/revision.py",
        "{**files.files, **(self.files or {})}",
        "{**files.files}",
        "a slot's own files are ignored",
        FILES,
    ),
    Mutant(SETTINGS, '        "variant": server.variant,\n', "", "the large model where the small one is asked for"),
    Mutant(SLOT, "self.child = pulumi.ResourceOptions(parent=self)", "self.child = None", "children without a parent"),
    Mutant(SLOT, "custom_timeouts=rollout_timeouts(args.spec.rollout),", "", "the wait for a rollout is unbounded"),
    Mutant(
        SLOT,
        "depends_on=[*self._config_maps(name, args, pod), *args.after],",
        "depends_on=[*self._config_maps(name, args, pod)[:0], *args.after],",
        "pods start before their settings exist",
        PODS,
    ),
    Mutant(
        SLOT,
        "*self._config_maps(name, args, pod), *args.after]",
        "*self._config_maps(name, args, pod)]",
        "pods start before their Job, claims and secrets",
        "components/test_jobs.py",
    ),
    Mutant(
        SLOT, "hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),", "", "a failure without its reason", PODS
    ),
    Mutant(
        SLOT,
        "pod.settings, immutable=True",
        "pod.settings, immutable=False",
        "settings change under a running pod",
        PODS,
    ),
    Mutant(
        SLOT,
        'immutable = args.spec.files.on_change == "rollout"',
        "immutable = True",
        "a reload that the API server refuses",
        FILES,
    ),
    Mutant("models/revision.py", ".at(self.model)", ".at(None)", "a slot's own model is ignored", MODELS),
    Mutant(
        SLOT,
        "labels.of_private_service(args.system.name, args.service, args.slot)",
        "labels.of_slot(args.system.name, args.service, args.slot)",
        "no monitor finds the slot",
        "components/test_slot.py",
    ),
    Mutant(
        WORKLOAD,
        '    if isinstance(spec.scaling, Fixed):\n        described["replicas"] = spec.scaling.replicas',
        '    if isinstance(spec.scaling, Fixed) or True:\n        described["replicas"] = spec.scaling.floor',
        "replicas beside an HPA",
    ),
    Mutant(WORKLOAD, '"target_port": PORT_NAME', '"target_port": 80', "a Service to a port that nobody opens"),
    Mutant(WORKLOAD, '"max_unavailable": spec.rollout.max_unavailable,', '"max_unavailable": 1,', "pods go missing"),
    Mutant(WORKLOAD, '"unhealthy_pod_eviction_policy": "AlwaysAllow",', "", "a broken pod holds up a node drain"),
]
