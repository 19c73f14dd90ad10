"""Let pods through the machine's own firewall: base chains of nftables, and firewalld's trusted zone.

In nftables a packet passes every base chain of a hook, and any of them can drop it. So each chain of the machine gets
rules that accept the cluster's packets; a comment marks these rules as ours. `packet_filter.py` handles the chains of
iptables (ufw's too), because nft must not write into them. A reload of the firewall removes our rules; `make up` adds
them again.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local import addresses
from local.addresses import Addresses
from local.commands import run
from local.errors import LocalError

COMMENT = "slipway"
_IPTABLES_TABLES = {"raw", "mangle", "nat", "filter", "security"}
_FIREWALLD_TABLE = "firewalld"
_ZONE = ("--zone=trusted", f"--{{verb}}-interface={addresses.BRIDGE}")

Ruleset = Mapping[str, Any]  # what `nft --json list ruleset` prints


@dataclass(frozen=True, kw_only=True)
class Chain:
    """A base chain of nftables."""

    family: str
    table: str
    name: str
    hook: str


def admit(at: Addresses) -> None:
    """Accept the bridge's packets in every chain of the machine that may drop them. Raises LocalError."""
    if firewalld_runs() and not _firewalld("query"):
        _firewalld("add")
    listed = ruleset()
    for chain in closed_chains(listed):
        try:
            for rule in accepting(chain.hook, at):
                run(["nft", f"insert rule {chain.family} {chain.table} {chain.name} {rule}"])
        except LocalError as refused:
            raise LocalError(
                f"firewall: chain {chain.name} of nftables table {chain.family} {chain.table} accepts no other rules "
                f"({refused}): allow the interface {addresses.BRIDGE} with the firewall's own tool"
            ) from refused


def withdraw() -> None:
    """Remove our rules from the machine's firewall."""
    if firewalld_runs() and _firewalld("query"):
        _firewalld("remove")
    for rule in own_rules(ruleset()):
        where = f"{rule['family']} {rule['table']} {rule['chain']}"
        run(["nft", f"delete rule {where} handle {rule['handle']}"])


def accepting(hook: str, at: Addresses) -> tuple[str, ...]:
    """Return the rules that accept the cluster's packets in a chain of this hook."""
    bridge = addresses.BRIDGE
    from_pods = f'iifname "{bridge}" ip saddr {at.pods} ip daddr {at.node_ip}'
    matches = {
        "input": (
            f'iifname "{bridge}" ct state established,related',
            f"{from_pods} tcp dport {{ {', '.join(map(str, at.pod_ports))} }}",
            f"{from_pods} udp dport {addresses.DNS_PORT}",
        ),
        "forward": (f'iifname "{bridge}" oifname "{bridge}"',),
        "output": (f'oifname "{bridge}"',),
    }
    return tuple(f'{match} accept comment "{COMMENT}"' for match in matches[hook])


def closed_chains(listed: Ruleset) -> list[Chain]:
    """Return the machine's chains that filter our packets and have no rule of ours yet."""
    open_already = {(rule["family"], rule["table"], rule["chain"]) for rule in own_rules(listed)}
    return [chain for chain in base_chains(listed) if (chain.family, chain.table, chain.name) not in open_already]


def base_chains(listed: Ruleset) -> list[Chain]:
    """Return the filter chains of the hooks that pods' packets pass, without those of iptables and firewalld."""
    return [
        Chain(family=chain["family"], table=chain["table"], name=chain["name"], hook=chain["hook"])
        for chain in _entries(listed, "chain")
        if chain.get("hook") in {"input", "forward", "output"}
        and chain.get("type") == "filter"
        and chain["family"] in {"inet", "ip"}
        and chain["table"] != _FIREWALLD_TABLE
        and not (chain["family"] == "ip" and chain["table"] in _IPTABLES_TABLES and chain["name"].isupper())
    ]


def own_rules(listed: Ruleset) -> list[Mapping[str, Any]]:
    """Return the rules that `admit` inserted."""
    return [rule for rule in _entries(listed, "rule") if rule.get("comment") == COMMENT]


def ruleset() -> Ruleset:
    """Return nftables' rules; empty if nft is not installed, because then no program writes any."""
    if shutil.which("nft") is None:
        return {}
    return json.loads(run(["nft", "--json", "list", "ruleset"]) or "{}")


def firewalld_runs() -> bool:
    """Return whether firewalld manages this machine's filter."""
    return shutil.which("firewall-cmd") is not None and _succeeds("firewall-cmd", "--state")


def _firewalld(verb: str) -> bool:
    return _succeeds("firewall-cmd", *(word.format(verb=verb) for word in _ZONE))


def _succeeds(*command: str) -> bool:
    try:
        run(command)
    except LocalError:
        return False
    return True


def _entries(listed: Ruleset, kind: str) -> Iterator[Mapping[str, Any]]:
    return (entry[kind] for entry in listed.get("nftables", ()) if kind in entry)
