"""Mutants of ``components/``: systems that would be deployed wrongly."""

from tests.mutants.mutant import Mutant

SLOT = "components/slot.py"
POD = "components/manifests/pod.py"
IMAGE = "components/image.py"
TRAFFIC = "components/traffic.py"
NETWORK = "components/manifests/network.py"
PLACEMENT = "components/manifests/placement.py"
WORKLOAD = "components/manifests/workload.py"

MUTANTS = [
    Mutant(
        "components/labels.py",
        "return {SERVICE: service, SLOT: slot}",
        "return {SERVICE: service}",
        "each slot selects the other one's pods too",
    ),
    Mutant(
        "components/labels.py",
        "return {**of_system(system), SERVICE: service}",
        "return of_system(system)",
        "pods lack the label that selects them",
    ),
    Mutant(
        "components/names.py",
        "return f\"{name[: LABEL_LENGTH - _HASH_LENGTH - 1].rstrip('-')}-{content_hash(name)}\"",
        "return name[:LABEL_LENGTH]",
        "long names are cut and meet",
    ),
    Mutant("components/cluster.py", '        kubeconfig="",\n', "", "a machine's path in the state"),
    Mutant(
        "components/cluster.py",
        "context=cluster.context,\n        cl",
        "context=None,\n        cl",
        "the current context",
    ),
    Mutant(
        "components/preflight.py", "if context not in known:", "if not known:", "an unknown context starts an update"
    ),
    Mutant("components/awaiting.py", "create=timeout, update=timeout", "create=timeout", "updates wait ten minutes"),
    Mutant(
        "components/foundation.py",
        'policies = {"default-deny": network.default_deny(), "dns"',
        'policies = {"dns"',
        "nothing is denied",
    ),
    Mutant(
        "components/system.py",
        "below = pulumi.ResourceOptions(parent=self, providers=[self._cluster])\n        self._foundation",
        "below = pulumi.ResourceOptions(parent=self)\n        self._foundation",
        "the foundation goes to the current context",
    ),
    Mutant(SLOT, "self.child = pulumi.ResourceOptions(parent=self)", "self.child = None", "children without a parent"),
    Mutant(SLOT, "custom_timeouts=rollout_timeouts(args.spec.rollout),", "", "the wait for a rollout is unbounded"),
    Mutant(SLOT, "depends_on=[config_map],", "", "pods start before their settings exist"),
    Mutant(SLOT, "hooks=pulumi.ResourceHookBinding(on_error=[args.explain]),", "", "a failure without its reason"),
    Mutant(SLOT, "immutable=True", "immutable=False", "settings change under a running pod"),
    Mutant(
        SLOT,
        "labels.of_private_service(args.system, args.service, args.slot)",
        "labels.of_slot(args.system, args.service, args.slot)",
        "no monitor finds the slot",
    ),
    Mutant(
        WORKLOAD,
        '    if isinstance(spec.scaling, Fixed):\n        described["replicas"] = spec.scaling.replicas',
        '    if isinstance(spec.scaling, Fixed) or True:\n        described["replicas"] = spec.scaling.floor',
        "replicas beside an HPA",
    ),
    Mutant(WORKLOAD, '"target_port": PORT_NAME', '"target_port": 80', "a Service to a port that nobody opens"),
    Mutant(WORKLOAD, '"max_unavailable": spec.rollout.max_unavailable,', '"max_unavailable": 1,', "pods go missing"),
    Mutant(WORKLOAD, '"name": names.slot_name(service, slot)}', '"name": service}', "an HPA of nothing"),
    Mutant(POD, '"capabilities": {"drop": ["ALL"]},', '"capabilities": {},', "restricted refuses the pod"),
    Mutant(POD, '"read_only_root_filesystem": True,', "", "a writable root"),
    Mutant(POD, '"seccomp_profile": {"type": "RuntimeDefault"},', "", "restricted refuses the pod"),
    Mutant(
        POD, '"readiness_probe": _probe(health.ready', '"readiness_probe": _probe(health.live', "ready without a model"
    ),
    Mutant(
        POD, '"liveness_probe": _probe(health.live', '"liveness_probe": _probe(health.ready', "killed while draining"
    ),
    Mutant(POD, '"lifecycle": {"pre_stop": {"sleep": {"seconds": spec.drain.pre_stop}}},', "", "requests are lost"),
    Mutant(POD, '"termination_grace_period_seconds": spec.drain.grace,', "", "draining is cut off at 30 s"),
    Mutant(POD, 'reference.partition("@")[2]', 'reference.partition("@")[0]', "answers without their version"),
    Mutant(
        "components/manifests/settings.py",
        "server = override or spec.server",
        "server = spec.server",
        "a release's settings are ignored",
    ),
    Mutant(
        "components/manifests/settings.py",
        "names.joined(service, slot, file.content_hash)",
        "names.joined(service, slot)",
        "a ConfigMap that is replaced in place",
    ),
    Mutant(
        IMAGE,
        'f"{repository}@{digest}"',
        'f"{repository}:{args.environment}@{digest}"',
        "a tag in the reference",
    ),
    Mutant(IMAGE, "push=True", "push=False", "a digest that no registry has"),
    Mutant(
        IMAGE,
        "build_on_preview=False,  # a preview shows, it does not work for minutes\n"
        "            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),",
        "build_on_preview=False,\n            opts=pulumi.ResourceOptions(parent=self),",
        "delete takes the image from the registry (BuildKit)",
    ),
    Mutant(
        IMAGE,
        "build_on_preview=False,\n            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),",
        "build_on_preview=False,\n            opts=pulumi.ResourceOptions(parent=self),",
        "delete takes the image from the registry (Docker)",
    ),
    Mutant(
        IMAGE,
        "{**base, **args.build.args, **args.settings.args}",
        "{**base, **args.settings.args, **args.build.args}",
        "the entry wins over the stack",
    ),
    Mutant(
        TRAFFIC,
        "backend=names.slot_name(service, live), slot=live)",
        "backend=service, slot=live)",
        "the canary leaks to hosts of the shared Service",
    ),
    Mutant(
        TRAFFIC,
        "hosts=route.stable_hosts, backend=service",
        "hosts=route.stable_hosts, backend=names.slot_name(service, live)",
        "the canary leaks to stable hosts",
    ),
    Mutant(
        TRAFFIC,
        "pulumi.ResourceOptions(parent=self, depends_on=args.ready[slot])",
        "pulumi.ResourceOptions(parent=self)",
        "traffic before its slot is ready",
    ),
    Mutant(
        TRAFFIC,
        "slot=args.release.live),\n            opts",
        'slot="blue"),\n            opts',
        "green never gets live",
    ),
    Mutant(
        TRAFFIC, "{**SKIP_AWAIT, **entrance.annotations}", "entrance.annotations", "an Ingress is waited for forever"
    ),
    Mutant(
        "components/manifests/ingress.py",
        "str(release.weight)",
        "str(release.weight_of(release.live))",
        "the canary gets the live slot's share",
    ),
    Mutant(
        "components/manifests/ingress.py",
        'annotations["canary-by-header-value"] = header.value',
        "pass",
        "a header's value is ignored",
    ),
    Mutant(
        "components/manifests/monitor.py",
        "labels.select_private_services(service)",
        "labels.select_service(service)",
        "pods are counted twice",
    ),
    Mutant(
        NETWORK, '"ingress": rules if namespaces else []', '"ingress": rules', "an unreachable service admits everybody"
    ),
    Mutant(
        NETWORK,
        "namespaces.append(cluster.monitoring_namespace)",
        "namespaces.append(cluster.ingress_namespace)",
        "Prometheus is locked out",
    ),
    Mutant(NETWORK, '"policy_types": ["Ingress", "Egress"]}', '"policy_types": ["Ingress"]}', "everything may leave"),
    Mutant(
        PLACEMENT,
        '"effect": toleration.effect}\n    return',
        "}\n    return",
        "a taint keeps pods away",
    ),
    Mutant(PLACEMENT, "for domain in scheduling.spread", 'for domain in ("node",)', "replicas share a zone"),
    Mutant(PLACEMENT, 'if strength == "required":', 'if strength == "preferred":', "no second replica on one node"),
    Mutant(POD, "_resources(spec, {})", "_resources(spec, devices(spec))", "the model loader takes a GPU"),
    Mutant(POD, "**amounts(resources.limits), **extended", "**amounts(resources.limits)", "a device without a limit"),
    Mutant("components/manifests/guards.py", ", **devices(spec)}", "}", "no quota for devices"),
    Mutant("components/manifests/guards.py", "SLOTS = 2", "SLOTS = 1", "no quota for a release"),
    Mutant(
        "components/manifests/guards.py",
        "(spec.scaling.ceiling + spec.rollout.max_surge)",
        "spec.scaling.ceiling",
        "no quota for a rollout's surge",
    ),
    Mutant("components/manifests/guards.py", '((mode, "restricted")', '((mode, "baseline")', "a weaker standard"),
]
