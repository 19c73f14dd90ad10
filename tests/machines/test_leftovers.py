"""A difference is found, named, and excused only where a rule says why."""

import json

import pytest

from tests.each import each
from tests.machines import snapshot
from tests.machines.leftovers import RULES, differences, joined

EMPTY: dict[str, dict[str, str]] = {kind: {} for kind in snapshot.KINDS}


def faults(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> list[str]:
    found = differences(EMPTY | before, EMPTY | after)
    return [str(difference) for difference in found if not difference.allowed]


def test_a_machine_that_is_as_before_has_no_differences() -> None:
    look = EMPTY | {"mount": {"/": "ext4"}, "setting": {"net/ipv4/ip_forward": "0"}}
    assert differences(look, look) == []


@each(
    ("kind", "name"),
    [
        ("process", "/srv/state/slipway/bin/etcd --name=slipway"),
        ("mount", "/srv/state/slipway/kubelet/pods/1/volumes/token"),
        ("interface", "slipway0"),
        ("address", "slipway0 inet 10.88.0.1/16"),
        ("route", "10.96.0.0/16 dev slipway0 scope link"),
        ("firewall", "iptables-save raw: :SLIPWAY-GUARD -"),
        ("cgroup", "/sys/fs/cgroup/slipway"),
        ("file", "/var/lib/kubelet/device-plugins"),
        ("file", "/run/containerd/s"),
        ("file", "/srv/state/slipway"),
    ],
)
def test_whatever_is_left_is_a_fault(kind: str, name: str) -> None:
    assert faults({}, {kind: {name: ""}}) == [f"{kind} left: {name}"]


@pytest.mark.parametrize("name", ["net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic"])
def test_a_changed_setting_is_a_fault(name: str) -> None:
    assert faults({"setting": {name: "0"}}, {"setting": {name: "1"}}) == [f"setting changed: {name}: '0', now '1'"]


def test_a_rule_of_the_users_own_firewall_that_is_gone_is_a_fault() -> None:
    rule = "nft rule: {}"
    assert faults({"firewall": {rule: ""}}, {}) == [f"firewall gone: {rule}"]


def test_one_more_process_of_a_kind_is_a_fault() -> None:
    assert faults({"process": {"sleep 9": "1"}}, {"process": {"sleep 9": "2"}}) == [
        "process changed: sleep 9: '1', now '2'"
    ]


@pytest.mark.parametrize(("group", "expected"), [("/sys/fs/cgroup", 0), ("/sys/fs/cgroup/other", 1)])
def test_controllers_stay_enabled_in_the_root_alone(group: str, expected: int) -> None:
    before, after = ({"cgroup": {group: value}} for value in ("memory pids", "cpu memory pids"))
    assert len(faults(before, after)) == expected


def test_modules_and_the_settings_that_come_with_them_may_stay() -> None:
    after = {"module": {"br_netfilter": ""}, "setting": {"net/bridge/bridge-nf-call-iptables": "1"}}
    assert faults({}, after) == []
    assert len(differences(EMPTY, EMPTY | after)) == 2


def test_every_rule_says_why() -> None:
    assert [rule for rule in RULES if not rule.reason] == []


def test_files_are_compared_with_the_first_boot_and_the_kernel_with_the_last() -> None:
    first = EMPTY | {"file": {"/etc/fstab": ""}, "interface": {"lo": ""}}
    last = EMPTY | {"file": {"/etc/fstab": "", "/etc/cni": ""}, "interface": {"lo": "", "docker0": ""}}
    both = joined(kernel=last, disk=first)
    assert both["file"] == {"/etc/fstab": ""}
    assert both["interface"] == {"lo": "", "docker0": ""}


def test_counters_of_rules_do_not_matter() -> None:
    def listed(packets: int) -> dict[str, str]:
        expression = [{"counter": {"packets": packets, "bytes": 60 * packets}}, {"drop": None}]
        rule = {"family": "inet", "table": "filter", "chain": "input", "handle": packets, "expr": expression}
        return snapshot.ruleset({"nftables": [{"metainfo": {}}, {"rule": rule}]})

    assert listed(1) == listed(999)
    assert len(listed(1)) == 1


def test_a_chain_that_only_exists_says_nothing_and_one_that_drops_does() -> None:
    def listed(policy: str) -> dict[str, str]:
        chain = {"family": "ip", "table": "filter", "name": "FORWARD", "hook": "forward", "policy": policy}
        return snapshot.ruleset({"nftables": [{"chain": chain}]})

    assert listed("accept") == {}
    assert len(listed("drop")) == 1


def test_a_look_is_plain_data() -> None:
    assert json.loads(json.dumps(EMPTY)) == EMPTY
