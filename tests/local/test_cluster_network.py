"""Routes of the machine, and the kernel's settings that the cluster changes."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from local import network, sysctls
from local.addresses import Addresses, Ports
from local.errors import LocalError

ROUTES = [
    {"dst": "default", "gateway": "192.0.2.1", "dev": "eth0"},
    {"type": "local", "dst": "192.0.2.7", "dev": "eth0", "table": "local"},
    {"dst": "192.0.2.0/24", "dev": "eth0"},
    {"type": "blackhole", "dst": "10.7.0.0/16"},
    {"dst": "0.0.0.0/0", "dev": "wg0", "table": "51820"},
    {"dst": "10.88.0.0/16", "dev": "slipway0"},
    {"dst": "10.20.0.1", "dev": "ppp0"},
]


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What `ip` prints; a test may add to it."""
    listed = list(ROUTES)

    def printing(_command: list[str]) -> str:
        return json.dumps(listed)

    monkeypatch.setattr(network, "run", printing)
    return listed


def test_the_machine_s_networks_are_its_routes_but_for_default_ones_and_our_own(routes: list[dict[str, str]]) -> None:
    assert {str(found): device for found, device in network.routed().items()} == {
        "192.0.2.0/24": "eth0",
        "10.7.0.0/16": "no device",
        "10.20.0.1/32": "ppp0",
    }
    assert routes == ROUTES


@pytest.mark.parametrize("taken", ["10.0.0.0/8", "10.96.3.0/24", "10.88.9.1"])
def test_a_refused_network_leaves_the_machine_as_it_was(
    routes: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, taken: str
) -> None:
    """IP forwarding was on before the refusal once, which made a router of the machine."""
    routes.append({"dst": taken, "dev": "tun0"})
    kernel = settings(tmp_path, monkeypatch)
    monkeypatch.setattr(network.packet_filter, "refuse_another_kubernetes", lambda: None)
    monkeypatch.setattr(network, "exists", {"lo"}.__contains__)
    changes: list[str] = []  # what would change this very machine, were the refusal missing
    monkeypatch.setattr(network, "_load_modules", lambda: changes.append("modules"))
    monkeypatch.setattr(network.packet_filter, "ensure", changes.append)
    monkeypatch.setattr(network.machine_firewall, "admit", changes.append)
    with pytest.raises(LocalError, match=rf"the route to {taken}.* \(tun0\) overlaps the cluster's range"):
        network.create(Addresses(), tmp_path / "saved.json")
    assert (kernel / "net/ipv4/ip_forward").read_text() == "0\n"
    assert not (tmp_path / "saved.json").exists()
    assert changes == []


def settings(folder: Path, monkeypatch: pytest.MonkeyPatch, boot: str = "first") -> Path:
    kernel = folder / "sys"
    for name, value in (("net/ipv4/ip_forward", "0\n"), ("kernel/random/boot_id", f"{boot}\n")):
        (kernel / name).parent.mkdir(parents=True, exist_ok=True)
        (kernel / name).write_text(value)
    monkeypatch.setattr(sysctls, "PROC_SYS", kernel)
    return kernel


def test_kernel_settings_are_saved_once_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(tmp_path, monkeypatch) / "net/ipv4/ip_forward"
    saved = tmp_path / "saved.json"
    sysctls.save(saved)
    sysctls.write("net/ipv4/ip_forward", "1")
    sysctls.save(saved)  # a second `up` must not take the cluster's own value for the machine's
    assert json.loads(saved.read_text()) == {"boot": "first", "net/ipv4/ip_forward": "0"}
    sysctls.restore(saved)
    assert file.read_text() == "0"


def test_after_a_reboot_the_kernel_s_own_settings_are_saved_anew_and_old_ones_not_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved.json"
    settings(tmp_path, monkeypatch)
    sysctls.save(saved)
    file = settings(tmp_path, monkeypatch, boot="second") / "net/ipv4/ip_forward"
    file.write_text("1\n")  # the administrator made it a router meanwhile
    sysctls.restore(saved)
    assert file.read_text() == "1\n"
    sysctls.save(saved)
    assert json.loads(saved.read_text())["net/ipv4/ip_forward"] == "1"


def test_settings_that_an_earlier_version_saved_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = settings(tmp_path, monkeypatch) / "net/ipv4/ip_forward"
    file.write_text("1\n")
    saved = tmp_path / "saved.json"
    saved.write_text('{"net/ipv4/ip_forward": "0"}')
    sysctls.save(saved)
    sysctls.restore(saved)
    assert file.read_text() == "0"


def test_restoring_what_was_never_saved_does_nothing(tmp_path: Path) -> None:
    sysctls.restore(tmp_path / "none.json")


def test_ranges_and_ports_survive_a_second_up(tmp_path: Path) -> None:
    networks = {"pods": IPv4Network("10.120.0.0/16"), "services": IPv4Network("172.20.0.0/16")}
    chosen = Addresses(**networks, ports=Ports(ingress=18080))
    chosen.save(tmp_path / "addresses.json")
    assert Addresses.load(tmp_path / "addresses.json") == chosen


def test_a_cluster_of_an_earlier_version_has_the_usual_addresses(tmp_path: Path) -> None:
    assert Addresses.load(tmp_path / "addresses.json") == Addresses()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"pods": "ten"}', '{"pods": "10.88.0.0/16", "services": "10.96.0.0/16", "ports": {"new": 1}}']
)
def test_a_damaged_record_of_addresses_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "addresses.json").write_text(text)
    with pytest.raises(LocalError, match=r"addresses.json: has no valid cluster addresses") as refused:
        Addresses.load(tmp_path / "addresses.json")
    assert "\n" not in str(refused.value)
