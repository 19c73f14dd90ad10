"""Which networks and ports the cluster takes."""

from collections.abc import Mapping
from ipaddress import IPv4Network

import pytest

from local import ranges
from local.addresses import Addresses
from local.errors import LocalError
from local.ranges import Asked
from tests.each import each

PRIVATE = {IPv4Network(network): "vpn0" for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")}


def networks(*names: str) -> Mapping[IPv4Network, str]:
    return {IPv4Network(name): "eth0" for name in names}


@each(
    ("routed", "podman", "pods", "services"),
    [
        ({}, False, "10.88.0.0/16", "10.96.0.0/16"),
        (networks("10.88.0.0/16"), False, "10.89.0.0/16", "10.96.0.0/16"),
        ({}, True, "10.89.0.0/16", "10.96.0.0/16"),  # Podman's network comes with its first container
        (networks("10.88.5.0/24", "10.89.7.1/32", "10.96.1.0/24"), False, "10.90.0.0/16", "10.97.0.0/16"),
        (networks("10.0.0.0/8"), False, "172.24.0.0/16", "172.20.0.0/16"),
        (networks("10.0.0.0/8", "172.16.0.0/12"), False, "192.168.0.0/16", "198.19.0.0/16"),
        (PRIVATE, False, "198.18.0.0/16", "198.19.0.0/16"),
    ],
)
def test_the_usual_network_is_taken_if_it_is_free_else_the_next_free_one(
    routed: Mapping[IPv4Network, str], podman: bool, pods: str, services: str
) -> None:
    chosen = ranges.choose(Asked(), routed, podman=podman)
    assert (str(chosen.pods), str(chosen.services)) == (pods, services)


def test_a_machine_with_no_free_network_is_told_how_to_set_one() -> None:
    with pytest.raises(LocalError, match=r"every default range .*\(10.0.0.0/8, .*: set a free one with --network"):
        ranges.choose(Asked(), {**PRIVATE, **networks("198.18.0.0/15")}, podman=False)


@pytest.mark.parametrize(("network", "services"), [("10.96.0.0/16", "10.97.0.0/16"), ("10.96.0.0/12", "172.20.0.0/16")])
def test_what_the_user_sets_is_taken_and_the_other_range_makes_room(network: str, services: str) -> None:
    chosen = ranges.choose(Asked.parse(network, "", "ingress=18080 registry=5051"), {}, podman=True)
    assert (str(chosen.pods), str(chosen.services)) == (network, services)
    assert (chosen.ports.ingress, chosen.ports.registry, chosen.ports.api) == (18080, 5051, 6443)


def test_a_network_of_the_user_s_that_is_in_use_is_refused_with_its_holder() -> None:
    with pytest.raises(LocalError, match=r"--services 10.90.0.0/16: it overlaps 10.90.4.0/24 \(eth0\): choose another"):
        ranges.choose(Asked.parse("", "10.90.0.0/16", ""), networks("10.90.4.0/24"), podman=False)


def test_networks_that_overlap_each_other_are_refused() -> None:
    with pytest.raises(LocalError, match="choose networks that do not overlap"):
        ranges.choose(Asked.parse("10.90.0.0/16", "10.90.8.0/22", ""), {}, podman=False)


@each(
    ("network", "services", "ports", "said"),
    [
        ("10.90.0.1/16", "", "", r"--network 10.90.0.1/16: .*host bits set"),
        ("ten", "", "", r"--network ten: .*set a private IPv4 network"),
        ("8.8.0.0/16", "", "", "public, loopback or link-local"),
        ("127.0.0.0/16", "", "", "public, loopback or link-local"),
        ("10.0.0.0/8", "", "", "the prefix is /8"),
        ("", "10.96.0.0/24", "", "the prefix is /24"),
        ("", "", "proxy=80", r"unknown port 'proxy'; choose one of: api, etcd, .*ingress"),
        ("", "", "ingress", "set a number from 1 to 65535"),
        ("", "", "ingress=70000", "set a number from 1 to 65535"),
    ],
)
def test_options_that_make_no_sense_are_one_line(network: str, services: str, ports: str, said: str) -> None:
    with pytest.raises(LocalError, match=said) as refused:
        Asked.parse(network, services, ports)
    assert "\n" not in str(refused.value)


def test_two_daemons_never_get_one_port() -> None:
    with pytest.raises(LocalError, match="registry and ingress are both 5050: set a different port for each"):
        ranges.choose(Asked.parse("", "", "ingress=5050"), {}, podman=False)


def test_a_standing_cluster_keeps_its_addresses_and_says_so() -> None:
    standing = Addresses(pods=IPv4Network("10.90.0.0/16"))
    assert ranges.kept(Asked(), standing, {}) == standing
    assert ranges.kept(Asked.parse("10.90.0.0/16", "", "ingress=8080"), standing, {}) == standing
    with pytest.raises(LocalError, match=r"keeps its networks \(10.90.0.0/16, 10.96.0.0/16\) and ports until"):
        ranges.kept(Asked.parse("10.91.0.0/16", "", ""), standing, {})
