"""Mutants of names, images and routes: systems that would be deployed wrongly."""

from tests.mutants.mutant import Mutant

IMAGE = "components/image.py"
PLACEMENT = "components/manifests/placement.py"

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
    Mutant(
        "components/cluster.py",
        "enable_config_map_mutable=True",
        "enable_config_map_mutable=False",
        "a reload takes the map away first",
        "components/test_config_files.py",
    ),
    Mutant("components/awaiting.py", "create=timeout, update=timeout", "create=timeout", "updates wait ten minutes"),
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
        "components/manifests/monitor.py",
        "labels.select_private_services(service)",
        "labels.select_service(service)",
        "pods are counted twice",
    ),
    Mutant(
        PLACEMENT,
        'return {"key": toleration.key, "operator": "Exists", "effect": toleration.effect}',
        'return {"key": toleration.key, "operator": "Exists"}',
        "pods on nodes that evict them",
    ),
    Mutant(PLACEMENT, "for domain in scheduling.spread", 'for domain in ("node",)', "replicas share a zone"),
    Mutant(PLACEMENT, 'if strength == "required":', 'if strength == "preferred":', "no second replica on one node"),
]
