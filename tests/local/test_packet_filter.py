"""The cluster's own chains in iptables."""

import pytest

from local import addresses, packet_filter
from local.addresses import Addresses

AT = Addresses()
SAVED = """# Generated
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A PREROUTING -m comment --comment "-j KUBE-SERVICES is not ours" -j RETURN
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -j KUBE-SVC-NPX46M4PTMTKRN6Y
-A DOCKER -i docker0 -j RETURN
COMMIT
"""


def test_removal_deletes_our_jumps_and_chains_and_nothing_else() -> None:
    assert packet_filter.removal_input("nat", SAVED).splitlines() == [
        "*nat",
        ":KUBE-SERVICES - [0:0]",
        ":KUBE-SVC-NPX46M4PTMTKRN6Y - [0:0]",
        ":CNI-HOSTPORT-DNAT - [0:0]",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-NPX46M4PTMTKRN6Y",
        "-X CNI-HOSTPORT-DNAT",
        "COMMIT",
    ]


def test_removal_of_a_table_without_our_chains_does_nothing() -> None:
    assert packet_filter.removal_input("nat", "*nat\n:DOCKER - [0:0]\nCOMMIT\n").splitlines() == ["*nat", "COMMIT"]


@pytest.mark.parametrize(
    "name", ["KUBE-SERVICES", "KUBE-SEP-ABC", "CNI-HOSTPORT-MASQ", packet_filter.GUARD, packet_filter.FORWARD]
)
def test_chains_of_kubernetes_and_ours_are_recognised(name: str) -> None:
    assert packet_filter.kubernetes_chains(f":{name} - [0:0]\n") == [name]


@pytest.mark.parametrize("name", ["DOCKER", "DOCKER-USER", "ufw-user-input", "INPUT", "MY-KUBE-THING"])
def test_chains_of_others_are_left_alone(name: str) -> None:
    assert packet_filter.kubernetes_chains(f":{name} - [0:0]\n") == []


def rules() -> list[str]:
    return [rule for table in packet_filter.own_rules(AT).values() for rule in table]


def test_our_rules_touch_our_bridge_and_our_ranges_only() -> None:
    ours = (addresses.BRIDGE, str(AT.pods), str(AT.services), "-i lo -j RETURN")
    assert len(rules()) == 10
    assert [rule for rule in rules() if not any(mark in rule for mark in ours)] == []


def test_pods_reach_the_servers_that_they_need_and_no_other_port_of_this_machine() -> None:
    accepted = [rule for rule in rules() if rule.startswith(f"-A {packet_filter.INPUT} ")]
    answers, tcp, udp = accepted
    assert "--ctstate RELATED,ESTABLISHED" in answers
    assert "-d 10.88.0.1/32" in tcp
    assert "--dports 53,6443,7070,9090 -j ACCEPT" in tcp
    assert "-p udp -m udp --dport 53 -j ACCEPT" in udp


def written(saved: str) -> list[str]:
    return packet_filter.restore_input(AT, saved).splitlines()


def test_our_jump_comes_after_kube_proxy_s_own_rules_and_before_a_firewall_s() -> None:
    saved = """*filter
-A INPUT -j ufw-before-input
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -j KUBE-SERVICES
-A FORWARD -j ufw-reject-forward
COMMIT"""
    assert f"-I FORWARD 3 -j {packet_filter.FORWARD}" in written(saved)
    assert f"-I INPUT 1 -j {packet_filter.INPUT}" in written(saved)
    assert f"-I FORWARD 1 -j {packet_filter.FORWARD}" in written("*filter\n-A FORWARD -j DOCKER-USER\nCOMMIT")


def test_rules_that_a_firewall_flushed_come_back_and_none_is_there_twice() -> None:
    jump = f"-A FORWARD -j {packet_filter.FORWARD}"
    lines = written(f"*filter\n-A FORWARD -j KUBE-FORWARD\n{jump}\nCOMMIT")
    assert f"-D FORWARD -j {packet_filter.FORWARD}" in lines
    assert f"-I FORWARD 2 -j {packet_filter.FORWARD}" in lines
    assert f"-D INPUT -j {packet_filter.INPUT}" not in lines  # there is none to delete, and iptables would refuse


@pytest.mark.parametrize(
    "lost", ["", f"-A INPUT -j {packet_filter.INPUT}", f"-A {packet_filter.GUARD} -i lo -j RETURN"]
)
def test_rules_are_written_only_where_one_is_missing(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    saved = "\n".join(rule for rule in (*packet_filter.jumps(), *rules()) if rule != lost)
    ran: list[str] = []

    def run(command: list[str], *, stdin: str = "") -> str:
        ran.append(command[0] + stdin[:4])
        return saved

    monkeypatch.setattr(packet_filter, "run", run)
    packet_filter.ensure(AT)
    assert ran == ["iptables-save", *(["iptables-restore*raw"] if lost else [])]
