"""Create and remove the cluster's bridge and routes.

The service range needs a route: without one, a packet to a service address that kube-proxy does not know yet would
leave by the default route. The packet filter is in `packet_filter.py`, the machine's own firewall in
`machine_firewall.py`.
"""

import contextlib
import json
import shutil
from ipaddress import IPv4Network
from pathlib import Path

from local import addresses, machine_firewall, packet_filter, sysctls
from local.addresses import Addresses
from local.commands import run
from local.errors import LocalError


def create(at: Addresses, saved_sysctls: Path) -> None:
    """Create the bridge, its routes and the filter; keep what exists already. Raises LocalError."""
    packet_filter.refuse_another_kubernetes()
    if not exists(addresses.BRIDGE):
        _refuse_overlap(at)  # before any change: a refused `up` must not turn the machine into a router
    _load_modules()
    sysctls.save(saved_sysctls)
    packet_filter.ensure(at)  # the guard must exist before forwarding is on
    sysctls.write("net/ipv4/ip_forward", "1")
    sysctls.write("net/bridge/bridge-nf-call-iptables", "1")  # otherwise replies from pod to pod skip the service's NAT
    if not exists(addresses.BRIDGE):
        run(["ip", "link", "add", addresses.BRIDGE, "type", "bridge"])
        sysctls.write(f"net/ipv6/conf/{addresses.BRIDGE}/disable_ipv6", "1")
        run(["ip", "address", "add", f"{at.node_ip}/{at.pods.prefixlen}", "dev", addresses.BRIDGE])
        run(["ip", "link", "set", addresses.BRIDGE, "up"])
    run(["ip", "route", "replace", str(at.services), "dev", addresses.BRIDGE])
    machine_firewall.admit(at)


def _load_modules() -> None:
    """Load the kernel modules. Failures are ignored: a module may be built in, or else its first use fails."""
    for module in ("br_netfilter", "overlay"):
        if shutil.which("modprobe"):
            with contextlib.suppress(LocalError):
                run(["modprobe", module])


def remove(at: Addresses, saved_sysctls: Path) -> list[str]:
    """Remove the cluster's interfaces, routes and rules, restore the kernel's settings, and return what is left."""
    marked = packet_filter.guarded()
    machine_firewall.withdraw()
    for interface in (*pod_interfaces(), addresses.BRIDGE):  # its routes disappear with the bridge
        _delete(interface)
    if marked:
        packet_filter.remove()
    sysctls.restore(saved_sysctls)
    left = [f"interface {name}" for name in (addresses.BRIDGE, *pod_interfaces()) if exists(name)]
    routes = run(["ip", "-4", "route", "show"]).splitlines()
    left += [f"route {line}" for line in routes if line.split()[0] in {str(at.services), str(at.pods)}]
    return left + (packet_filter.left() if marked else [])  # without our guard, the chains belong to another program


def _delete(interface: str) -> None:
    try:
        if exists(interface):
            run(["ip", "link", "delete", interface])
    except LocalError:
        if exists(interface):  # otherwise it disappeared with its pod's network namespace
            raise


def exists(interface: str) -> bool:
    """Return whether the network interface exists."""
    return Path(f"/sys/class/net/{interface}").exists()


def pod_interfaces() -> list[str]:
    """Return the host ends of the pods' veth pairs: all ports of our bridge."""
    ports = Path(f"/sys/class/net/{addresses.BRIDGE}/brif")
    return sorted(port.name for port in ports.iterdir()) if ports.is_dir() else []


def routed() -> dict[IPv4Network, str]:
    """Return the networks that this machine has routes to, with their devices; neither our own nor a default route."""
    found: dict[IPv4Network, str] = {}
    for route in json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]"):
        device = str(route.get("dev", "no device"))
        special = route.get("type", "unicast") in {"local", "broadcast", "multicast"}
        if route["dst"] != "default" and device != addresses.BRIDGE and not special:
            found[IPv4Network(route["dst"], strict=False)] = device
    return {network: device for network, device in found.items() if network.prefixlen}  # 0.0.0.0/0 is a default route


def _refuse_overlap(at: Addresses) -> None:
    for network, device in routed().items():
        for ours in (at.pods, at.services):
            if network.overlaps(ours):
                raise LocalError(
                    f"network: the route to {network} ({device}) overlaps the cluster's range {ours}: "
                    "remove the route, or run `make down` and then `make up`, which chooses a free range"
                )
