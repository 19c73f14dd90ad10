"""The bridge, the routes and the packet filter of the cluster, and their removal.

The cluster is closed: pods reach each other, the services and this machine's bridge address, nothing else, and no
other machine reaches them. Without the route of the service range, a packet to a service address that kube-proxy does
not know (yet) would leave by the default route; without the guard, switching on IP forwarding would turn this machine
into a router between its networks and the pods.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path

from local import addresses
from local.commands import run
from local.errors import LocalError

GUARD = "SLIPWAY-GUARD"  # raw PREROUTING: what comes from elsewhere; it exists exactly as long as the cluster does
FORWARD = "SLIPWAY-FORWARD"  # filter FORWARD: what pods may reach
# Chains of the kubelet, kube-proxy and CNI plugins: ours if the guard is there, because `up` refuses otherwise.
_CHAINS = re.compile(r"(KUBE|CNI|SLIPWAY)-[A-Z0-9-]+")
_TABLES = ("raw", "mangle", "nat", "filter")
_FAMILIES = ("iptables", "ip6tables")

# Written by us, or by the kubelet and kube-proxy at start; `down` puts the old values back.
_SYSCTLS = (
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
    "net/bridge/bridge-nf-call-iptables",
    "net/netfilter/nf_conntrack_max",
    "net/netfilter/nf_conntrack_tcp_timeout_established",
    "net/netfilter/nf_conntrack_tcp_timeout_close_wait",
    "net/netfilter/nf_conntrack_tcp_be_liberal",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
_PROC_SYS = Path("/proc/sys")


def create(saved_sysctls: Path) -> None:
    """Make the bridge, its routes and the filter; what exists already stays. Raises LocalError."""
    _refuse_foreign_rules()
    _load_modules()
    save_sysctls(saved_sysctls)
    _write_sysctl("net/ipv4/ip_forward", "1")
    _write_sysctl("net/bridge/bridge-nf-call-iptables", "1")  # or replies from pod to pod skip the service's NAT
    if not exists(addresses.BRIDGE):
        _refuse_overlap()
        run(["ip", "link", "add", addresses.BRIDGE, "type", "bridge"])
        _write_sysctl(f"net/ipv6/conf/{addresses.BRIDGE}/disable_ipv6", "1")
        run(["ip", "address", "add", f"{addresses.NODE_IP}/{addresses.NODE_PREFIX}", "dev", addresses.BRIDGE])
        run(["ip", "link", "set", addresses.BRIDGE, "up"])
    run(["ip", "route", "replace", addresses.SERVICE_RANGE, "dev", addresses.BRIDGE])
    if not guarded():
        run(["iptables-restore", "--noflush"], stdin=filter_rules())


def _load_modules() -> None:
    """Load what the kernel has as modules; where they are built in or may not be loaded, the first use tells."""
    for module in ("br_netfilter", "overlay"):
        if shutil.which("modprobe"):
            with contextlib.suppress(LocalError):
                run(["modprobe", module])


def filter_rules() -> str:
    """Return our own rules for `iptables-restore --noflush`."""
    bridge, pods, services = addresses.BRIDGE, addresses.POD_RANGE, addresses.SERVICE_RANGE
    return "\n".join(
        (
            "*raw",
            f":{GUARD} - [0:0]",
            f"-A PREROUTING -j {GUARD}",
            f"-A {GUARD} -i {bridge} -j RETURN",
            f"-A {GUARD} -i lo -j RETURN",
            f"-A {GUARD} -d {pods} -j DROP",
            f"-A {GUARD} -d {services} -j DROP",
            "COMMIT",
            "*filter",
            f":{FORWARD} - [0:0]",
            # Appended, so that kube-proxy's own rules (services without endpoints are refused at once) come first.
            f"-A FORWARD -j {FORWARD}",
            f"-A {FORWARD} -i {bridge} -o {bridge} -d {pods} -j ACCEPT",
            f"-A {FORWARD} -i {bridge} -j REJECT --reject-with icmp-admin-prohibited",
            f"-A {FORWARD} -o {bridge} -m conntrack --ctstate NEW -j DROP",
            "COMMIT",
            "",
        )
    )


def remove(saved_sysctls: Path) -> list[str]:
    """Remove interfaces, routes and rules of the cluster, put the kernel's settings back; returns what is left."""
    marked = shutil.which("iptables-save") is not None and guarded()  # it may never have come to installing iptables
    for interface in (*pod_interfaces(), addresses.BRIDGE):  # the bridge's routes go with it
        _delete(interface)
    if marked:
        for family in _FAMILIES:
            for table in _TABLES:
                _remove_chains(family, table)
    restore_sysctls(saved_sysctls)
    return _leftovers(with_chains=marked)


def _leftovers(*, with_chains: bool) -> list[str]:
    """Return what of the cluster is still in the kernel's network; chains that our guard never marked are others'."""
    found = [f"interface {name}" for name in (addresses.BRIDGE, *pod_interfaces()) if exists(name)]
    routes = run(["ip", "-4", "route", "show"]).splitlines()
    found += [f"route {line}" for line in routes if line.startswith((addresses.SERVICE_RANGE, addresses.POD_RANGE))]
    for family in _FAMILIES if with_chains else ():
        found += [f"{family} chain {chain}" for chain in foreign_chains(run([f"{family}-save"]))]
    return found


def _delete(interface: str) -> None:
    try:
        if exists(interface):
            run(["ip", "link", "delete", interface])
    except LocalError:
        if exists(interface):  # else it went with its pod's network namespace in this very moment
            raise


def exists(interface: str) -> bool:
    """Whether the network interface is there."""
    return Path(f"/sys/class/net/{interface}").exists()


def pod_interfaces() -> list[str]:
    """Return the host ends of the pods' cable pairs: all ports of our bridge."""
    ports = Path(f"/sys/class/net/{addresses.BRIDGE}/brif")
    return sorted(port.name for port in ports.iterdir()) if ports.is_dir() else []


def guarded() -> bool:
    """Whether our guard chain is there, which marks the Kubernetes chains of this machine as ours."""
    return f":{GUARD} " in run(["iptables-save", "-t", "raw"])


def foreign_chains(saved: str) -> list[str]:
    """Return the names of Kubernetes', CNI's and our chains in the output of `iptables-save`."""
    return [line[1:].split()[0] for line in saved.splitlines() if line.startswith(":") and _CHAINS.match(line[1:])]


def removal_rules(table: str, saved: str) -> str:
    """Return the input for `iptables-restore --noflush` that deletes our chains and every rule that names them.

    Args:
        table: The table's name.
        saved: The output of `iptables-save -t <table>`.
    """
    chains = foreign_chains(saved)
    lines = [f"*{table}", *(f":{chain} - [0:0]" for chain in chains)]  # declaring a chain empties it
    for line in saved.splitlines():
        words = line.split()
        if words[:1] == ["-A"] and words[1] not in chains and _target(words) in chains:
            lines.append("-D" + line[2:])
    return "\n".join([*lines, *(f"-X {chain}" for chain in chains), "COMMIT", ""])


def _target(words: list[str]) -> str | None:
    return next((words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-j", "-g"}), None)


def _remove_chains(family: str, table: str) -> None:
    saved = run([f"{family}-save", "-t", table])
    if foreign_chains(saved):
        run([f"{family}-restore", "--noflush"], stdin=removal_rules(table, saved))


def _refuse_foreign_rules() -> None:
    if guarded():
        return
    chains = foreign_chains(run(["iptables-save"]))
    if chains:
        raise LocalError(
            f"iptables: chain {chains[0]} belongs to another Kubernetes on this machine, whose rules ours would fight: "
            "use that cluster (set its context in slipway:cluster), or end it and remove its rules"
        )


def _refuse_overlap() -> None:
    for line in run(["ip", "-4", "route", "show"]).splitlines():
        destination = line.split()[0]
        if overlaps(destination, (addresses.POD_RANGE, addresses.SERVICE_RANGE)):
            raise LocalError(
                f"network: the route {line.strip()!r} overlaps the cluster's ranges {addresses.POD_RANGE} and "
                f"{addresses.SERVICE_RANGE}: remove it, or use another machine"
            )


def overlaps(destination: str, ranges: Iterable[str]) -> bool:
    """Whether a route's destination (address, network or `default`) overlaps one of the networks."""
    if destination == "default" or not destination[0].isdigit():
        return False
    return any(ip_network(destination, strict=False).overlaps(ip_network(other)) for other in ranges)


def save_sysctls(target: Path) -> None:
    """Write down the kernel's settings as they are before the cluster touches them, once."""
    if target.exists():
        return
    found = {name: (_PROC_SYS / name).read_text().strip() for name in _SYSCTLS if (_PROC_SYS / name).exists()}
    target.write_text(json.dumps(found, indent=1))


def restore_sysctls(saved: Path) -> None:
    """Put the settings back as `save_sysctls` found them."""
    if saved.exists():
        for name, value in json.loads(saved.read_text()).items():
            _write_sysctl(name, value)


def _write_sysctl(name: str, value: str) -> None:
    file = _PROC_SYS / name
    if file.exists() and file.read_text().strip() != value:
        file.write_text(value)
