import json
from pathlib import Path

import pytest

from local import addresses, network

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
    assert network.removal_rules("nat", SAVED).splitlines() == [
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
    assert network.removal_rules("nat", "*nat\n:DOCKER - [0:0]\nCOMMIT\n").splitlines() == ["*nat", "COMMIT"]


@pytest.mark.parametrize("name", ["KUBE-SERVICES", "KUBE-SEP-ABC", "CNI-HOSTPORT-MASQ", network.GUARD, network.FORWARD])
def test_chains_of_kubernetes_and_ours_are_recognised(name: str) -> None:
    assert network.foreign_chains(f":{name} - [0:0]\n") == [name]


@pytest.mark.parametrize("name", ["DOCKER", "DOCKER-USER", "ufw-user-input", "INPUT", "MY-KUBE-THING"])
def test_chains_of_others_are_left_alone(name: str) -> None:
    assert network.foreign_chains(f":{name} - [0:0]\n") == []


def test_our_rules_touch_our_bridge_and_our_ranges_only() -> None:
    rules = [line for line in network.filter_rules().splitlines() if line.startswith(f"-A {network.GUARD}")]
    rules += [line for line in network.filter_rules().splitlines() if line.startswith(f"-A {network.FORWARD}")]
    assert len(rules) == 7
    ours = (addresses.BRIDGE, addresses.POD_RANGE, addresses.SERVICE_RANGE, "-i lo -j RETURN")
    assert [rule for rule in rules if not any(mark in rule for mark in ours)] == []


@pytest.mark.parametrize(
    ("destination", "overlapping"),
    [
        ("default", False),
        ("10.88.0.0/16", True),
        ("10.0.0.0/8", True),
        ("10.96.3.0/24", True),
        ("10.96.0.1", True),
        ("10.89.0.0/16", False),
        ("192.0.2.0/24", False),
        ("unreachable", False),
    ],
)
def test_routes_that_overlap_the_cluster_are_recognised(destination: str, overlapping: bool) -> None:
    assert network.overlaps(destination, (addresses.POD_RANGE, addresses.SERVICE_RANGE)) is overlapping


def test_kernel_settings_are_saved_once_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "sys"
    file = kernel / "net/ipv4/ip_forward"
    file.parent.mkdir(parents=True)
    file.write_text("0\n")
    monkeypatch.setattr(network, "_PROC_SYS", kernel)
    saved = tmp_path / "saved.json"
    network.save_sysctls(saved)
    file.write_text("1\n")
    network.save_sysctls(saved)  # a second `up` must not take the cluster's own value for the machine's
    assert json.loads(saved.read_text()) == {"net/ipv4/ip_forward": "0"}
    network.restore_sysctls(saved)
    assert file.read_text() == "0"


def test_restoring_what_was_never_saved_does_nothing(tmp_path: Path) -> None:
    network.restore_sysctls(tmp_path / "none.json")
