"""Mutants of who reaches whom, and of what fences a namespace in."""

from tests.mutants.mutant import Mutant

NETWORK = "components/manifests/network.py"
GUARDS = "components/manifests/guards.py"
MOST = "(2 * max(scaling.ceiling, *asked) + spec.rollout.max_surge)"

MUTANTS = [
    Mutant(NETWORK, '{"default-deny": _default_deny(system), "dns"', '{"dns"', "nothing is denied"),
    Mutant(
        NETWORK,
        '"policy_types": ["Ingress", "Egress"]}\n',
        '"policy_types": ["Ingress"]}\n',
        "the policy that denies lets everything out",
    ),
    Mutant(
        NETWORK,
        "        if callee in calls:\n",
        "        if calls:\n",
        "whoever calls anybody enters everybody",
        "contracts/test_network.py",
    ),
    Mutant(
        NETWORK,
        "dict.fromkeys(slot.port for slot",
        "dict.fromkeys(slot.exposure.port for slot",
        "egress to the Service's port",
    ),
    Mutant(NETWORK, ' and exposure.external_traffic_policy == "Local"', "", "nodes that hide the client are shut out"),
    Mutant(
        NETWORK, "if any(slot.account.permissions for", "if any(slot.account for", "every pod reaches the API server"
    ),
    Mutant(NETWORK, " if peers else []", "", "an empty from admits everybody"),
    Mutant(NETWORK, "if networks != ANYWHERE:", "if False:", "storage at any address"),
    Mutant(NETWORK, "if name in _asked_by_keda(system)", "if system", "KEDA enters every store"),
    Mutant(NETWORK, 'slot.model.scheme == "s3"', "slot.model.fetched", "a model of the image opens object storage"),
    Mutant(
        NETWORK,
        "yield _in_namespace(cluster.monitoring_namespace)",
        "yield _in_namespace(cluster.ingress_namespace)",
        "Prometheus is locked out",
    ),
    Mutant(GUARDS, "SLOTS = 2", "SLOTS = 1", "no quota for a release"),
    Mutant(
        GUARDS,
        MOST,
        "(max(scaling.ceiling, *asked) + deployed.spec.rollout.max_surge)",
        "a rollout waits for the pods that leave",
    ),
    Mutant(GUARDS, MOST, "(2 * max(scaling.ceiling, *asked))", "no quota for a rollout's surge"),
    Mutant(GUARDS, "_times(2, job.resources)", "_times(0, job.resources)", "no quota for Jobs"),
    Mutant(
        GUARDS,
        'yield f"{prefix}persistentvolumeclaims", Decimal(1)',
        'yield "persistentvolumeclaims", Decimal(1)',
        "a class's claims are counted twice",
    ),
    Mutant(GUARDS, ", **devices(resources)}", "}", "no quota for devices"),
    Mutant(
        GUARDS,
        '((mode, "restricted")',
        '((mode, "baseline")',
        "a weaker standard",
        "components/test_foundation.py",
    ),
]
