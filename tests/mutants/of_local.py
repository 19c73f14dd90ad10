"""Mutants of the embedded cluster: parts that would wait for each other, or agree on nothing."""

from tests.mutants.mutant import Mutant

CLUSTER = "local/cluster.py"
DEFINITIONS = "local/definitions.py"
OPERATOR = "local/prometheus_operator.py"
BY = "local/test_cluster_prometheus_operator.py"
CGROUPS, BY_CGROUPS = "local/cgroups.py", "local/test_cluster_cgroups.py"
NETWORK, BY_NETWORK = "local/network.py", "local/test_cluster_network.py"
FILTER, BY_FILTER = "local/packet_filter.py", "local/test_packet_filter.py"
FIREWALL, BY_FIREWALL = "local/machine_firewall.py", "local/test_machine_firewall.py"
DOCTOR, BY_DOCTOR = "local/doctor.py", "local/test_doctor.py"
RANGES, BY_RANGES = "local/ranges.py", "local/test_ranges.py"
SHUTDOWN, OWNER, BY_SHUTDOWN = "local/shutdown.py", "local/owner.py", "local/test_shutdown.py"
STACK_FILE = "local/stack_file.py"

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
    Mutant(CGROUPS, "_enable_controllers((root, ours))", "pass", "the kubelet misses controllers", BY_CGROUPS),
    Mutant(CGROUPS, '"hugetlb", "pids", "io")', '"pids", "io")', "the kubelet misses hugetlb", BY_CGROUPS),
    Mutant(CGROUPS, "        if missing:\n", "        if False:\n", "the kubelet ends two minutes later", BY_CGROUPS),
    Mutant(CGROUPS, '_V2_PROCESS_WEIGHT = "39"', '_V2_PROCESS_WEIGHT = "100"', "builds starve pods", BY_CGROUPS),
    Mutant(NETWORK, "_refuse_overlap(at)  #", "pass  #", "a network is taken over", BY_NETWORK),
    Mutant(NETWORK, " and device != addresses.BRIDGE", "", "a second up refuses its own bridge", BY_NETWORK),
    Mutant("local/sysctls.py", '.pop("boot", boot) == boot', '.pop("boot", boot)', "old settings return", BY_NETWORK),
    Mutant(FILTER, "behind = _leading_kube_rules(present) + 1", "behind = 1", "dead services time out", BY_FILTER),
    Mutant(FILTER, "for jump in jumps() if jump in present]", "for jump in ()]", "jumps pile up", BY_FILTER),
    Mutant(FILTER, "if not all(rule in present", "if all(rule in present", "flushed rules stay away", BY_FILTER),
    Mutant(FIREWALL, 'if rule.get("comment") == COMMENT]', "]", "down deletes the user's rules", BY_FIREWALL),
    Mutant(FIREWALL, 'and chain["table"] != _FIREWALLD_TABLE', "", "nft writes into firewalld's table", BY_FIREWALL),
    Mutant(FIREWALL, '"inet", "ip"}', '"ip"}', "a default-deny firewall cuts pods off", BY_FIREWALL),
    Mutant(DOCTOR, "elif found.nested:", "elif False:", "a container fails after two minutes", BY_DOCTOR),
    Mutant(DOCTOR, "elif not folder.executable:", "elif False:", "programs on noexec do not start", BY_DOCTOR),
    Mutant(DOCTOR, "if folder.free_gib < needed:", "if False:", "a full disk fails late", BY_DOCTOR),
    Mutant(DOCTOR, "if found.now < _RELEASED:", "if False:", "no certificate is valid", BY_DOCTOR),
    Mutant(DOCTOR, "if finding.fault]\n    if faults:", "if finding.fault]\n    if False:", "up goes on", BY_DOCTOR),
    Mutant("local/ports.py", '{address, "0.0.0.0", "::"}', "{address}", "wildcard listeners are missed", BY_DOCTOR),
    Mutant(
        RANGES, "if not any(candidate.overlaps", "if not all(candidate.overlaps", "a taken range is chosen", BY_RANGES
    ),
    Mutant(RANGES, "    if wanted != standing:", "    if False:", "a cluster's own addresses change", BY_RANGES),
    Mutant(SHUTDOWN, 'exec cat {{}} +"', 'quit"', "v1 clusters outlive the shutdown", BY_SHUTDOWN),
    Mutant(OWNER, "_GIVEN = (", '_GIVEN = (*("etcd",), ', "daemons' data is given away", BY_SHUTDOWN),
    Mutant(
        OWNER, "follow_symlinks=False", "follow_symlinks=True", "a link gives away the file that it names", BY_SHUTDOWN
    ),
    Mutant(
        STACK_FILE,
        "(?![\\w.])",
        "",
        "a longer port is cut into",
        "local/test_cluster_stack_file.py",
    ),
]
