"""Mutants of the embedded cluster: parts that would wait for each other, or agree on nothing."""

from tests.mutants.mutant import Mutant

CLUSTER = "local/cluster.py"
DEFINITIONS = "local/definitions.py"
OPERATOR = "local/prometheus_operator.py"
BY = "local/test_cluster_prometheus_operator.py"

MUTANTS = [
    Mutant(OPERATOR, ', "resource-definitions")', ")", "the operator finds nothing to act on and ends", BY),
    Mutant(OPERATOR, 'NAMESPACE = "monitoring"', 'NAMESPACE = "prometheus"', "NetworkPolicies keep it out", BY),
    Mutant(OPERATOR, "tag=version)", 'tag="latest")', "pods of images that nobody pushed", BY),
    Mutant(OPERATOR, '{addresses.LOOPBACK}:{at.ports.prometheus_operator}",', ':8080",', "it listens everywhere", BY),
    Mutant(CLUSTER, "DEFINITIONS, IMAGES, *of_parts", "*of_parts", "a Prometheus before its kind is defined", BY),
    Mutant(
        DEFINITIONS,
        "sources = (*SOURCES, *more)",
        "sources = SOURCES",
        "a part's kinds are never defined",
        "local/test_cluster_definitions.py",
    ),
]
