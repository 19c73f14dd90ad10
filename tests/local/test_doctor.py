"""Every check of the machine, with its fault present and absent."""

import datetime as dt
import json
import os
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from local import cluster, configs, doctor, machine_firewall, parts, pki
from local import machine as machine_
from local.addresses import Addresses
from local.doctor import Plan
from local.errors import LocalError
from local.machine import Folder, Machine
from local.paths import Paths
from local.ports import Taken
from local.processes import Record, start_mark
from local.ranges import Asked

PAST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MOUNTS = r"""1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /srv rw,nosuid - nfs4 server:/srv rw
3 2 0:6 / /srv/my\040disk rw shared:1 - xfs /dev/sdb rw
"""
END = "stop that process, or run `make up "
LATER = dt.datetime(2028, 1, 1, tzinfo=dt.UTC)


def faults(machine: Machine, plan: Plan | None = None) -> list[str]:
    return [found.line() for found in doctor.examine(machine, plan or Plan()) if found.fault]


def disk(machine: Machine, **changes: Any) -> Machine:
    state, cache = machine.folders
    return replace(machine, folders=(replace(state, **changes), cache))


def test_a_machine_that_is_ready_has_no_fault_and_every_check_says_what_it_saw(machine: Machine) -> None:
    findings = doctor.examine(machine, Plan())
    assert [found.line() for found in findings if found.fault] == []
    assert {"root", "python", "architecture", "cgroups", "kernel", "memory", "disk", "packages", "firewall"} <= {
        found.check for found in findings
    }
    assert {"network", "ports", "clock", "other Kubernetes"} <= {found.check for found in findings}


@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        ({"root": False}, "root: `make up` requires root", "sudo make up"),
        ({"python": (3, 10)}, "python: Python 3.10 is older than 3.11", "PYTHON=python3.11"),
        ({"architecture": "riscv64"}, "architecture: riscv64 is not supported", "x86_64, aarch64"),
        ({"cgroup": ""}, "cgroups: no cgroup hierarchy is mounted", "mount -t cgroup2"),
        ({"nested": True}, "cgroups: this is a container", "on the machine itself"),
        (
            {"controllers": frozenset({"cpu", "cpuset", "pids"})},
            "cgroups: cgroup v2 lacks the controllers memory",
            "`cgroup_enable=memory` to the kernel's command line",
        ),
        ({"features": frozenset({"br_netfilter"})}, "kernel: kernel 6.12.1 cannot load overlay", "linux-modules-extra"),
        (
            {"features": frozenset[str](), "kernel_modules": False},
            "kernel: kernel 6.12.1 cannot load overlay and br_netfilter",
            "reboot into the installed kernel",
        ),
        ({"memory_gib": 2.0}, "memory: the machine has 2.0 GiB", "more memory"),
        (
            {"missing_packages": ("iptables",), "installer": "dnf"},
            "packages: iptables are missing and there is no apt-get",
            "`dnf install iptables-nft`",
        ),
        ({"locked_tables": ("inet filter",)}, "firewall: nftables table inet filter belongs to", "slipway0"),
        ({"other_kubernetes": "KUBE-SERVICES"}, "other Kubernetes: iptables chain KUBE-SERVICES", "use that cluster"),
        ({"now": PAST}, "clock: the clock is set to 1970-01-01", "timedatectl"),
        (
            {"certified_from": LATER},
            "clock: the clock is set to 2027-01-01 00:00 UTC, but the cluster's",
            "timedatectl",
        ),
    ],
)
def test_a_fault_is_one_line_with_its_remedy(machine: Machine, change: dict[str, Any], said: str, remedy: str) -> None:
    (line,) = faults(replace(machine, **change))
    assert line.startswith(said)
    assert remedy in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"free_gib": 5.9}, "has 5.9 GiB free but requires 6 GiB: make room, or set SLIPWAY_STATE"),
        ({"executable": False}, "is mounted noexec"),
        ({"filesystem": "nfs4"}, "is on nfs4, on which container layers cannot be mounted"),
        ({"filesystem": "overlay"}, "is on overlay"),
    ],
)
def test_a_folder_that_cannot_hold_the_cluster_is_named_with_its_variable(
    machine: Machine, change: dict[str, Any], said: str
) -> None:
    (line,) = faults(disk(machine, **change))
    assert line.startswith("disk: SLIPWAY_STATE (/srv/me)")
    assert said in line


def test_only_the_state_must_be_where_layers_can_be_mounted(machine: Machine) -> None:
    state, cache = machine.folders
    assert faults(replace(machine, folders=(state, replace(cache, filesystem="nfs4")))) == []


def test_packages_that_apt_will_install_are_no_fault(machine: Machine) -> None:
    lacking = replace(machine, missing_packages=("runc",))
    assert faults(lacking) == []
    assert "packages: `make up` installs runc" in [found.line() for found in doctor.examine(lacking, Plan())]


def test_all_taken_ports_are_named_at_once_with_their_holders_and_how_to_move_them(machine: Machine) -> None:
    taken = (
        Taken(address="0.0.0.0", number=8080, pid=9000007),  # noqa: S104  (compared, not bound)
        Taken(address="127.0.0.1", number=5050, pid=9000008),
        Taken(address="::", number=53, pid=9000009),
        Taken(address="192.0.2.1", number=9090, pid=9000010),  # another address
        Taken(address="127.0.0.1", number=8087, pid=9000011),  # of a part that nobody asked for
    )
    lines = faults(replace(machine, taken=taken))
    assert lines == [
        "port: dns needs 10.88.0.1:53, but another process listens there: stop that process",
        f"port: registry needs 127.0.0.1:5050, but another process listens there: {END}PORTS=registry=<free port>`",
        f"port: ingress needs 127.0.0.1:8080, but another process listens there: {END}PORTS=ingress=<free port>`",
    ]
    assert len(faults(replace(machine, taken=taken), Plan(parts=("keda",)))) == 4
    moved = Plan(asked=Asked(ports={"registry": 5051, "ingress": 8081}))
    assert [line[:9] for line in faults(replace(machine, taken=taken), moved)] == ["port: dns"]


def test_the_network_that_will_be_taken_is_said(machine: Machine) -> None:
    podman = replace(machine, routed={IPv4Network("10.88.0.0/16"): "podman0"})
    said = [found.line() for found in doctor.examine(podman, Plan()) if found.check == "network"]
    assert said == ["network: pods 10.89.0.0/16, services 10.96.0.0/16"]
    (line,) = faults(podman, Plan(asked=Asked(pods=IPv4Network("10.88.0.0/16"))))
    assert line.startswith("network: --network 10.88.0.0/16: it overlaps 10.88.0.0/16 (podman0)")


def test_a_cluster_keeps_its_network_and_says_when_another_came_to_overlap_it(machine: Machine) -> None:
    standing = Plan(standing=Addresses(pods=IPv4Network("10.90.0.0/16")))
    assert faults(machine, standing) == []
    (line,) = faults(replace(machine, routed={IPv4Network("10.0.0.0/8"): "wg0"}), standing)
    assert "10.90.0.0/16 overlaps 10.0.0.0/8 (wg0)" in line
    assert "make down" in line
    (line,) = faults(machine, Plan(standing=Addresses(), asked=Asked(ports={"ingress": 9999})))
    assert "keeps its networks" in line


def test_every_port_that_a_daemon_opens_is_checked_first(paths: Paths) -> None:
    paths.create()
    parts.remember(paths, parts.PARTS)
    pki.create(paths.pki, paths.addresses)
    configs.write_all(paths)
    opened = {(port.address, port.number) for daemon in cluster.daemons(paths) for port in daemon.ports}
    checked = {(one.address, one.number) for one in paths.addresses.listeners(tuple(parts.PARTS))}
    assert opened == checked


def test_up_is_refused_with_a_line_for_each_fault(machine: Machine) -> None:
    with pytest.raises(LocalError, match=r"(?s)not ready, 2 faults; nothing was changed\n  root: .*\n  clock: "):
        doctor.refuse_faults(doctor.examine(replace(machine, root=False, now=PAST), Plan()))
    doctor.refuse_faults(doctor.examine(machine, Plan()))


def test_the_table_puts_faults_last_where_they_are_seen(machine: Machine) -> None:
    findings = doctor.examine(replace(machine, root=False), Plan())
    document = {"ready": False, "findings": [vars(found) for found in findings]}
    lines = doctor.table(document).splitlines()
    assert lines[-3].startswith("FAULT  root: ")
    assert lines[-1] == "this machine is not ready"


def test_this_machine_can_be_read(paths: Paths) -> None:
    found = machine_.read(paths)
    assert found.cgroup in {"", "v1", "v2"}
    assert found.memory_gib > 0
    assert all(isinstance(folder, Folder) and folder.filesystem for folder in found.folders)


def test_a_folder_s_file_system_is_that_of_the_nearest_mount_point() -> None:
    assert machine_.filesystem(Path("/var/lib"), MOUNTS) == "ext4"
    assert machine_.filesystem(Path("/srv/me"), MOUNTS) == "nfs4"
    assert machine_.filesystem(Path("/srv/my disk/state"), MOUNTS) == "xfs"


@pytest.mark.parametrize(("flags", "locked"), [(["owner"], ("inet strict",)), ([], ())])
def test_a_table_that_only_its_owner_changes_is_recognised(flags: list[str], locked: tuple[str, ...]) -> None:
    ruleset: machine_firewall.Ruleset = {
        "nftables": [
            {"table": {"family": "inet", "name": "strict", "flags": flags}},
            {"chain": {"family": "inet", "table": "strict", "name": "in", "type": "filter", "hook": "input"}},
        ]
    }
    assert machine_.locked_tables(ruleset) == locked


@pytest.mark.parametrize(("uid", "seen"), [(0, True), (1000, False)])
def test_ports_that_may_be_the_cluster_s_own_are_no_fault_for_who_cannot_tell(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, uid: int, seen: bool
) -> None:
    paths.create()
    record = Record(name="x", pid=os.getpid(), started=start_mark(os.getpid()) or "", fingerprint="", binary="")
    (paths.run / "x.json").write_text(json.dumps(vars(record)))
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    listening = (Taken(address="127.0.0.1", number=5050, pid=None),)

    def taken(but_for: set[int]) -> tuple[Taken, ...]:
        assert os.getpid() in but_for
        return listening

    monkeypatch.setattr(machine_.ports, "taken", taken)
    assert machine_.taken(paths) == (listening if seen else ())
