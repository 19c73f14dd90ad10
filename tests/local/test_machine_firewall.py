"""Rules in the machine's own firewall: what is opened, and that only ours are taken out again."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from local import machine_firewall
from local.addresses import Addresses
from local.errors import LocalError

AT = Addresses()


def no_program(_name: str) -> None:
    """Find nothing."""


def base(table: str, name: str, hook: str, family: str = "inet", kind: str = "filter") -> dict[str, Any]:
    return {"chain": {"family": family, "table": table, "name": name, "type": kind, "hook": hook, "policy": "drop"}}


def rule(table: str, chain: str, handle: int, comment: str | None = None) -> dict[str, Any]:
    found = {"family": "inet", "table": table, "chain": chain, "handle": handle}
    return {"rule": found | ({"comment": comment} if comment else {})}


DEFAULT_DENY = {
    "nftables": [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "filter"}},
        base("filter", "input", "input"),
        base("filter", "forward", "forward"),
        base("filter", "output", "output"),
        {"chain": {"family": "inet", "table": "filter", "name": "helper"}},
        base("filter", "prerouting", "prerouting"),
        base("nat", "postrouting", "output", kind="nat"),
        base("filter", "INPUT", "input", family="ip"),  # iptables'
        base("firewalld", "filter_INPUT", "input"),
        base("bridge", "forward", "forward", family="bridge"),
        rule("filter", "input", 7, "allow ssh"),
    ]
}


class Machine:
    """nft and firewall-cmd of a machine: it keeps what it is told, by nftables' own rules."""

    def __init__(self, listed: dict[str, Any], *, firewalld: bool = False, locked: bool = False) -> None:
        self.listed: dict[str, list[dict[str, Any]]] = json.loads(json.dumps(listed))
        self.firewalld, self.locked = firewalld, locked
        self.trusted: set[str] = set()
        self.ran: list[str] = []

    def which(self, name: str) -> str | None:
        return None if name == "firewall-cmd" and not self.firewalld else f"/usr/sbin/{name}"

    def run(self, command: Sequence[str]) -> str:
        line = " ".join(command)
        self.ran.append(line)
        if line == "nft --json list ruleset":
            return json.dumps(self.listed)
        if command[0] == "firewall-cmd":
            return self.zone(line)
        if self.locked:
            raise LocalError("Operation not permitted")
        words = command[1].split()
        rules = [entry["rule"] for entry in self.listed["nftables"] if "rule" in entry]
        if words[0] == "insert":
            handle = 1 + max((one["handle"] for one in rules), default=0)
            self.listed["nftables"].insert(0, rule(words[3], words[4], handle, words[-1].strip('"')))
        else:
            gone = next(one for one in rules if str(one["handle"]) == words[-1] and one["chain"] == words[4])
            self.listed["nftables"].remove({"rule": gone})
        return ""

    def zone(self, line: str) -> str:
        if "--add-interface" in line:
            self.trusted.add("slipway0")
        elif "--remove-interface" in line:
            self.trusted.discard("slipway0")
        elif "--query-interface" in line and not self.trusted:
            raise LocalError("no")
        return ""


def on(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> Machine:
    monkeypatch.setattr(machine_firewall, "run", machine.run)
    monkeypatch.setattr(machine_firewall.shutil, "which", machine.which)
    return machine


def test_every_chain_that_may_drop_pods_packets_is_opened_and_none_of_iptables_or_firewalld(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = on(monkeypatch, Machine(DEFAULT_DENY))
    machine_firewall.admit(AT)
    opened = {line.partition("insert rule ")[2].partition(" iifname")[0].partition(" oifname")[0]
              for line in machine.ran if "insert" in line}  # fmt: skip
    assert opened == {"inet filter input", "inet filter forward", "inet filter output"}


def test_pods_reach_the_servers_that_they_need_and_no_other_port() -> None:
    answers, tcp, udp = machine_firewall.accepting("input", AT)
    assert 'iifname "slipway0" ct state established,related accept' in answers
    assert "ip saddr 10.88.0.0/16 ip daddr 10.88.0.1 tcp dport { 53, 6443, 7070, 9090 } accept" in tcp
    assert "udp dport 53 accept" in udp


def test_a_second_up_adds_nothing_and_a_reloaded_firewall_gets_the_rules_again(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = on(monkeypatch, Machine(DEFAULT_DENY))
    machine_firewall.admit(AT)
    count = len(machine.listed["nftables"])
    machine_firewall.admit(AT)
    assert len(machine.listed["nftables"]) == count
    machine.listed = json.loads(json.dumps(DEFAULT_DENY))  # `systemctl reload nftables`
    machine_firewall.admit(AT)
    assert len(machine.listed["nftables"]) == count


def test_down_leaves_the_firewall_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = on(monkeypatch, Machine(DEFAULT_DENY, firewalld=True))
    machine_firewall.admit(AT)
    assert machine.trusted == {"slipway0"}
    machine_firewall.withdraw()
    assert machine.listed == DEFAULT_DENY
    assert machine.trusted == set()


def test_firewalld_s_zone_is_changed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = on(monkeypatch, Machine({"nftables": []}, firewalld=True))
    machine_firewall.admit(AT)
    machine_firewall.admit(AT)
    assert len([line for line in machine.ran if "--add-interface" in line]) == 1


def test_a_firewall_that_takes_no_rule_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, Machine(DEFAULT_DENY, locked=True))
    with pytest.raises(
        LocalError, match=r"chain input of nftables table inet filter accepts no other rules .* slipway0"
    ):
        machine_firewall.admit(AT)


def test_a_machine_without_nft_has_no_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_firewall.shutil, "which", no_program)
    machine_firewall.admit(AT)
    machine_firewall.withdraw()
