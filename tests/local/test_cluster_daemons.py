"""Contracts over the whole table of daemons."""

import ipaddress
import re
from collections import Counter

import pytest

from local import cluster
from local.addresses import Addresses
from local.daemon import Daemon
from local.paths import Paths
from local.toolchain.groups import group_of

LOCAL = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network(Addresses().node_ip))
STEPS = {cluster.OBJECTS, cluster.DEFINITIONS}


@pytest.fixture
def table(prepared: Paths) -> dict[str, Daemon]:
    daemons = cluster.daemons(prepared)
    assert len(daemons) >= 11
    assert max(Counter(daemon.name for daemon in daemons).values()) == 1
    return {daemon.name: daemon for daemon in daemons}


def test_every_daemon_is_built_by_the_toolchain(table: dict[str, Daemon]) -> None:
    assert all(group_of(daemon.binary).version for daemon in table.values())


def test_every_need_is_a_daemon_or_a_step(table: dict[str, Daemon]) -> None:
    needs = {need for daemon in table.values() for need in daemon.needs}
    assert needs
    assert needs <= table.keys() | STEPS


def test_no_two_daemons_share_a_port(table: dict[str, Daemon]) -> None:
    ports = Counter(port.number for daemon in table.values() for port in daemon.ports)
    assert [port for port, count in ports.items() if count > 1] == []


def test_every_address_is_loopback_or_the_bridge(table: dict[str, Daemon], prepared: Paths) -> None:
    texts = [argument for daemon in table.values() for argument in daemon.arguments]
    texts += [file.read_text() for file in prepared.etc.rglob("*") if file.is_file()]
    found = {match for text in texts for match in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b(?!/)", text)}
    at = prepared.addresses
    assert at.node_ip in found
    allowed = {"0.0.0.0", at.pod_first, at.pod_last}  # noqa: S104  (the pods' default route)
    strangers = [a for a in found - allowed if not any(ipaddress.ip_address(a) in network for network in LOCAL)]
    assert strangers == []


def test_every_listening_daemon_is_told_where_to_listen(table: dict[str, Daemon], prepared: Paths) -> None:
    everything = [argument for daemon in table.values() for argument in daemon.arguments]
    everything += [file.read_text() for file in prepared.etc.rglob("*") if file.is_file()]
    for daemon in table.values():
        for port in daemon.ports:
            assert any(re.search(rf"\b{port.number}\b", text) for text in everything), (daemon.name, port)


def test_traefik_and_pulumi_report_to_nobody(table: dict[str, Daemon]) -> None:
    assert "--global.checknewversion=false" in table["traefik"].arguments
    assert "--global.sendanonymoususage=false" in table["traefik"].arguments


def test_traefik_keeps_no_connection_idle_so_long_that_its_read_timeout_is_nearly_over(
    table: dict[str, Daemon],
) -> None:
    assert "--providers.kubernetesingressnginx.upstreamkeepalivetimeout=1" in table["traefik"].arguments


def test_files_of_a_daemon_exist_and_are_private(table: dict[str, Daemon]) -> None:
    files = [file for daemon in table.values() for file in daemon.files]
    assert files
    assert [file for file in files if file.stat().st_mode & 0o077] == []


def test_fingerprint_changes_with_a_configuration_file(table: dict[str, Daemon], prepared: Paths) -> None:
    daemon, binary = table["registry"], prepared.bin / "registry"
    config = daemon.files[0]
    before, text = daemon.fingerprint(binary), config.read_text()
    config.write_text(text + "\n")
    try:
        assert daemon.fingerprint(binary) != before
    finally:
        config.write_text(text)
    assert daemon.fingerprint(binary) == before


def test_fingerprint_changes_with_the_binary(table: dict[str, Daemon], prepared: Paths) -> None:
    daemon = table["etcd"]
    assert daemon.fingerprint(prepared.bin / "a") != daemon.fingerprint(prepared.bin / "b")
