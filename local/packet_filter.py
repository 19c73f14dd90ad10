"""Manage the cluster's own chains in iptables, and remove all chains that a Kubernetes leaves behind.

The cluster is closed: pods reach only each other, the services and this machine's bridge address, and no other machine
reaches the pods. Without the guard, IP forwarding would turn this machine into a router between its networks and the
pods.
"""

import re
import shutil

from local import addresses
from local.addresses import Addresses
from local.commands import run
from local.errors import LocalError

GUARD = "SLIPWAY-GUARD"  # raw PREROUTING: packets from elsewhere; it exists exactly as long as the cluster does
FORWARD = "SLIPWAY-FORWARD"  # filter FORWARD: what pods may reach
INPUT = "SLIPWAY-INPUT"  # filter INPUT: what pods reach on this machine, also where ufw denies by default
# Chains of the kubelet, kube-proxy and CNI plugins. They are ours if the guard exists, because `up` refuses a machine
# with another Kubernetes.
_CHAINS = re.compile(r"(KUBE|CNI|SLIPWAY)-[A-Z0-9-]+")
_TABLES = ("raw", "mangle", "nat", "filter")
_FAMILIES = ("iptables", "ip6tables")


def ensure(at: Addresses) -> None:
    """Add our rules, unless all of them exist already. Raises LocalError."""
    saved = run(["iptables-save"])
    present = set(saved.splitlines())
    rules = own_rules(at)
    if not all(rule in present for rule in (*jumps(), *(rule for table in rules.values() for rule in table))):
        run(["iptables-restore", "--noflush"], stdin=restore_input(at, saved))


def jumps() -> tuple[str, ...]:
    """Return the rules that lead into our chains, as `iptables-save` prints them."""
    return (f"-A PREROUTING -j {GUARD}", f"-A INPUT -j {INPUT}", f"-A FORWARD -j {FORWARD}")


def own_rules(at: Addresses) -> dict[str, tuple[str, ...]]:
    """Return the rules of our chains by table, as `iptables-save` prints them."""
    bridge = addresses.BRIDGE
    from_pods = f"-A {INPUT} -s {at.pods} -d {at.node_ip}/32 -i {bridge}"
    return {
        "raw": (
            f"-A {GUARD} -i {bridge} -j RETURN",
            f"-A {GUARD} -i lo -j RETURN",
            f"-A {GUARD} -d {at.pods} -j DROP",
            f"-A {GUARD} -d {at.services} -j DROP",
        ),
        "filter": (
            f"-A {INPUT} -i {bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            f"{from_pods} -p tcp -m multiport --dports {','.join(map(str, at.pod_ports))} -j ACCEPT",
            f"{from_pods} -p udp -m udp --dport {addresses.DNS_PORT} -j ACCEPT",
            f"-A {FORWARD} -d {at.pods} -i {bridge} -o {bridge} -j ACCEPT",
            f"-A {FORWARD} -i {bridge} -j REJECT --reject-with icmp-admin-prohibited",
            f"-A {FORWARD} -o {bridge} -m conntrack --ctstate NEW -j DROP",
        ),
    }


def restore_input(at: Addresses, saved: str) -> str:
    """Return the input for `iptables-restore --noflush` that adds our rules, even if some of them exist already.

    Args:
        at: The cluster's ranges.
        saved: The output of `iptables-save`.
    """
    rules, present = own_rules(at), saved.splitlines()
    again = [f"-D{jump[2:]}" for jump in jumps() if jump in present]
    # After kube-proxy's rules, which reject services without endpoints at once, and before a firewall's rules.
    behind = _leading_kube_rules(present) + 1
    return "\n".join(
        (
            "*raw",
            f":{GUARD} - [0:0]",
            *(rule for rule in again if "PREROUTING" in rule),
            f"-A PREROUTING -j {GUARD}",
            *rules["raw"],
            "COMMIT",
            "*filter",
            f":{INPUT} - [0:0]",
            f":{FORWARD} - [0:0]",
            *(rule for rule in again if "PREROUTING" not in rule),
            f"-I INPUT 1 -j {INPUT}",
            f"-I FORWARD {behind} -j {FORWARD}",
            *rules["filter"],
            "COMMIT",
            "",
        )
    )


def _leading_kube_rules(saved: list[str]) -> int:
    """Count kube-proxy's rules at the head of FORWARD."""
    targets = [_target(line.split()) or "" for line in saved if line.startswith("-A FORWARD ")]
    others = (at for at, target in enumerate(targets) if not target.startswith("KUBE-"))
    return next(others, len([target for target in targets if target != FORWARD]))


def remove() -> None:
    """Remove every Kubernetes chain and every rule that names one. The guard must have marked the chains as ours."""
    for family in _FAMILIES:
        for table in _TABLES:
            saved = run([f"{family}-save", "-t", table])
            if kubernetes_chains(saved):
                run([f"{family}-restore", "--noflush"], stdin=removal_input(table, saved))


def left() -> list[str]:
    """Return the Kubernetes chains that still exist, as lines for people."""
    return [f"{family} chain {chain}" for family in _FAMILIES for chain in kubernetes_chains(run([f"{family}-save"]))]


def guarded() -> bool:
    """Return whether our guard chain exists, which marks the Kubernetes chains of this machine as ours."""
    return shutil.which("iptables-save") is not None and f":{GUARD} " in run(["iptables-save", "-t", "raw"])


def kubernetes_chains(saved: str) -> list[str]:
    """Return the names of Kubernetes', CNI's and our chains in the output of `iptables-save`."""
    return [line[1:].split()[0] for line in saved.splitlines() if line.startswith(":") and _CHAINS.match(line[1:])]


def removal_input(table: str, saved: str) -> str:
    """Return the input for `iptables-restore --noflush` that deletes our chains and every rule that names them.

    Args:
        table: The table's name.
        saved: The output of `iptables-save -t <table>`.
    """
    chains = kubernetes_chains(saved)
    lines = [f"*{table}", *(f":{chain} - [0:0]" for chain in chains)]  # declaring a chain empties it
    for line in saved.splitlines():
        words = line.split()
        if words[:1] == ["-A"] and words[1] not in chains and _target(words) in chains:
            lines.append("-D" + line[2:])
    return "\n".join([*lines, *(f"-X {chain}" for chain in chains), "COMMIT", ""])


def refuse_another_kubernetes() -> None:
    """Raise LocalError if another Kubernetes has its rules on this machine."""
    if (chain := another_kubernetes()) is not None:
        raise LocalError(
            f"iptables: chain {chain} belongs to another Kubernetes on this machine, whose rules would conflict: "
            "use that cluster (set its context in slipway:cluster), or stop it and remove its rules"
        )


def another_kubernetes() -> str | None:
    """Return a chain of another Kubernetes on this machine, if there is one."""
    if shutil.which("iptables-save") is None or guarded():
        return None
    return next(iter(kubernetes_chains(run(["iptables-save"]))), None)


def _target(words: list[str]) -> str | None:
    return next((words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-j", "-g"}), None)
