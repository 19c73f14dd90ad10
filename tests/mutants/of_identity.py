"""Mutants of what keeps an update to its own cluster and namespace: data would be lost, or others' objects taken."""

from tests.mutants.mutant import Mutant

CLUSTER = "components/cluster.py"
FOUNDATION = "components/foundation.py"
IDENTITY = "components/identity.py"
IN_THE_PROGRAM = "program/test_identity.py"
KUBECONFIG = "components/kubeconfig.py"
COPIES = "components/kubeconfig_copies.py"
LOSSES = "components/losses.py"
NETWORK = "components/manifests/network.py"
RECORDED = "components/recorded.py"
RENAMED = "program/test_losses.py"
SURVEY = "components/survey.py"
SYSTEM = "components/system.py"

MUTANTS = [
    Mutant(CLUSTER, "kubeconfig=kubeconfig.path_of(pulumi.get_stack()),", "", "a machine's path in the state"),
    Mutant(CLUSTER, "        cluster_identifier=_IDENTIFIER,\n", "", "a changed kubeconfig replaces everything"),
    Mutant(CLUSTER, 'ignore_changes=["clusterIdentifier"],', "", "today's stacks are replaced"),
    Mutant(CLUSTER, "        delete_unreachable=False,\n", "", "a shell's variable forgets what an outage hides"),
    Mutant(
        CLUSTER, "        enable_server_side_apply=True,\n", "", "a shell's variable changes how objects are written"
    ),
    Mutant(
        CLUSTER,
        "aliases=[pulumi.Alias(name=formerly)] if formerly else None,",
        "",
        "a renamed entry replaces the provider",
        RENAMED,
    ),
    Mutant(SYSTEM, "pulumi.ResourceOptions.merge(opts, renamed))", "opts)", "a renamed entry loses its data", RENAMED),
    Mutant(KUBECONFIG, 'return f"{_FOLDER}/{stack}"', "return _FOLDER", "two stacks meet in one kubeconfig"),
    Mutant(
        KUBECONFIG,
        "str(folder / content[key]) for key in _USER_FILES",
        "content[key] for key in _USER_FILES",
        "keys are looked for in the project",
    ),
    Mutant(KUBECONFIG, "    kubeconfig_copies.remove(path)", "    pass", "credentials of before a move stay behind"),
    Mutant(COPIES, "        atexit.register(_remove_all)", "        pass", "each run leaves its credentials behind"),
    Mutant(COPIES, " and _holds(_content(copy), given)", "", "somebody else's kubeconfig is removed"),
    Mutant(COPIES, "stat.S_ISREG(found.st_mode) and ", "", "a link is followed"),
    Mutant(KUBECONFIG, 'if "/" in program.get("command", ""):', "if False:", "a login program that is not found"),
    Mutant(IDENTITY, "elif wanted and live.cluster != wanted:", "elif False:", "any cluster will do"),
    Mutant(
        IDENTITY,
        "and recorded.cluster != live.cluster:\n        yield _moved",
        "and False:\n        yield _moved",
        "another cluster is updated",
    ),
    Mutant(
        IDENTITY,
        "elif not wanted and not _known(recorded, live) and _elsewhere(recorded, live):",
        "elif False:",
        "another cluster, unrecorded",
    ),
    Mutant(
        IDENTITY,
        "if system.cluster.uid and recorded.cluster != live.cluster and _elsewhere(recorded, live):",
        "if False:",
        "a moved stack finds nothing to do",
    ),
    Mutant(
        IDENTITY,
        "    if owner is None:\n        if not system.existing_namespace:",
        "    if owner is None:\n        if False:",
        "somebody's namespace is adopted",
    ),
    Mutant(IDENTITY, "elif (owner, entry) !=", "elif False and (owner, entry) !=", "two stacks in one namespace"),
    Mutant(IDENTITY, "if live.readable and system.existing_namespace:", "if False:", "a namespace that nobody makes"),
    Mutant(
        SURVEY, "        _refuse(cluster_faults(system, known, live))\n", "        pass\n", "nobody compares clusters"
    ),
    Mutant(
        SURVEY,
        "        _refuse(object_faults(system, known, source))\n",
        "",
        "somebody's objects are overwritten",
        IN_THE_PROGRAM,
    ),
    Mutant(SURVEY, "    _refuse(loss_faults(system, known))\n", "", "nobody looks at what is lost", RENAMED),
    Mutant(SURVEY, "(live and live.cluster) or known.cluster", "live and live.cluster", "an account erases the record"),
    Mutant(
        SURVEY, "    if not pulumi.runtime.is_dry_run():\n        _refuse(found)\n", "", "an update nobody compared"
    ),
    Mutant(
        RECORDED,
        "    if not outputs.fields:\n        return Recorded()\n",
        "",
        "the first preview of a stack crashes the engine",
        IN_THE_PROGRAM,
    ),
    Mutant(
        RECORDED,
        'outputs.get("__inputs", outputs)["spec"]',
        'outputs["spec"]',
        "the default class is taken for a change",
    ),
    Mutant(
        FOUNDATION,
        "if not system.existing_namespace:",
        "if True:",
        "destroy deletes somebody's namespace",
        IN_THE_PROGRAM,
    ),
    Mutant(
        FOUNDATION,
        "names.joined(system.name, name) if system.existing_namespace else name",
        "name",
        "the owner's policies are overwritten",
        IN_THE_PROGRAM,
    ),
    Mutant(
        NETWORK,
        '{"match_labels": labels.select_system(system.name)} if system.existing_namespace else {}',
        "{}",
        "others in the namespace are cut off",
        IN_THE_PROGRAM,
    ),
    Mutant(
        CLUSTER, 'if environment.get(name) == "true":', "if False:", "a shell's variable overwrites what others manage"
    ),
    Mutant(
        IDENTITY,
        "{system.name, recorded.system or system.name}",
        "{system.name, recorded.system}",
        "what has no label is taken for the stack's own",
    ),
    Mutant(
        LOSSES, "parse(declared[name].size) < parse(size)", "False", "an update that the API server refuses halfway"
    ),
    Mutant(LOSSES, "        if name not in lost:\n", "        if False:\n", "a permission that stays for ever"),
    Mutant(LOSSES, "if before != after:", "if False:", "a changed class deletes the data"),
    Mutant(LOSSES, "if modes != [volume.access]:", "if False:", "a changed access mode deletes the data"),
    Mutant(
        LOSSES,
        "        if name not in declared:\n            yield",
        "        if False:\n            yield",
        "a volume that is no longer declared",
    ),
    Mutant(
        LOSSES,
        "if namespace and namespace != system.namespace:",
        "if False:",
        "a renamed namespace deletes the old one",
    ),
    Mutant(LOSSES, "elif namespace and system.existing_namespace:", "elif False:", "a namespace given up is deleted"),
    Mutant(LOSSES, "recorded.stateful_sets - system.stores.keys()", "set[str]()", "a store is dropped"),
    Mutant(
        LOSSES,
        "for name, why in _losses(system, recorded) if name not in system.discard}",
        "for name, why in _losses(system, recorded)}",
        "what may be lost cannot be",
    ),
    Mutant(
        "models/stack.py",
        "if self.space.startswith(RESERVED):",
        "if False:",
        "Kubernetes' own namespaces",
        IN_THE_PROGRAM,
    ),
    Mutant(
        "models/stack.py",
        'if self.space == "default" and not self.existing_namespace:',
        "if False:",
        "default is adopted",
        IN_THE_PROGRAM,
    ),
    Mutant(
        "components/slot.py",
        ', "disruption": spec.disruption.within(scaling.floor)',
        "",
        "a release holds up a node drain",
    ),
]
