"""Read the facts about this machine that `doctor.py` judges before `up` builds anything."""

import datetime as dt
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import psutil
from cryptography import x509

from local import cgroups, debian, machine_firewall, network, packet_filter, ports, processes
from local.commands import run
from local.errors import LocalError
from local.paths import Paths

_INSTALLERS = ("apt-get", "dnf", "zypper", "pacman")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder that the cluster will fill; `variable` is the environment variable that moves it."""

    variable: str
    path: Path
    free_gib: float
    filesystem: str
    executable: bool


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The facts about a machine.

    Attributes:
        root: Whether this process runs as root.
        python: The version of the running Python.
        architecture: The kernel's name for it, such as `x86_64`.
        cgroup: `v1`, `v2`, or an empty string if none is mounted.
        controllers: The cgroup controllers that the kernel offers.
        nested: Whether this is a container: processes in its root cgroup prevent it from enabling controllers.
        kernel: The running kernel's release.
        kernel_modules: Whether the modules of this release are installed.
        features: Those of `overlay` and `br_netfilter` that the kernel has or can load.
        memory_gib: The machine's memory.
        folders: The state and cache folders.
        missing_packages: Debian's names of the packages that `up` would install.
        installer: The machine's package manager.
        locked_tables: nftables tables that pods' packets pass and that only their owner may change.
        taken: Ports on which processes outside the cluster listen.
        routed: Networks that the machine has routes to, each with its device, without the cluster's own.
        other_kubernetes: A packet-filter chain of another Kubernetes, if there is one.
        now: The time by the machine's clock.
        certified_from: When the cluster's certificates become valid, if it has any.
    """

    root: bool
    python: tuple[int, int]
    architecture: str
    cgroup: str
    controllers: frozenset[str]
    nested: bool
    kernel: str
    kernel_modules: bool
    features: frozenset[str]
    memory_gib: float
    folders: tuple[Folder, ...]
    missing_packages: tuple[str, ...]
    installer: str
    locked_tables: tuple[str, ...]
    taken: tuple[ports.Taken, ...]
    routed: Mapping[IPv4Network, str]
    other_kubernetes: str | None
    now: dt.datetime
    certified_from: dt.datetime | None


def read(paths: Paths) -> Machine:
    """Read this machine; takes about a second."""
    root = os.geteuid() == 0
    cgroup, controllers, nested = _cgroups(cgroups.MOUNT)
    release = platform.release()
    networked = shutil.which("ip") is not None
    return Machine(
        root=root,
        python=sys.version_info[:2],
        architecture=platform.machine(),
        cgroup=cgroup,
        controllers=controllers,
        nested=nested,
        kernel=release,
        kernel_modules=Path(f"/lib/modules/{release}").is_dir(),
        features=_features(),
        memory_gib=psutil.virtual_memory().total / 2**30,
        folders=(_folder("SLIPWAY_STATE", paths.state), _folder("SLIPWAY_CACHE", paths.cache)),
        missing_packages=tuple(need.package for need in debian.NEEDS if not need.met()),
        installer=next((name for name in _INSTALLERS if shutil.which(name)), ""),
        locked_tables=locked_tables(machine_firewall.ruleset()) if root else (),
        taken=taken(paths),
        routed=network.routed() if networked else {},
        other_kubernetes=packet_filter.another_kubernetes() if root else None,
        now=dt.datetime.now(dt.UTC),
        certified_from=_certified_from(paths),
    )


def _cgroups(mount: Path) -> tuple[str, frozenset[str], bool]:
    """Return the cgroup mode, the available controllers, and whether this is a container's cgroup."""
    offered = mount / "cgroup.controllers"
    if offered.exists():
        # Only a cgroup other than the machine's root has a type.
        inside = (mount / "cgroup.type").exists() and bool((mount / "cgroup.procs").read_text("utf-8").split())
        return "v2", frozenset(offered.read_text("utf-8").split()), inside
    found = cgroups.hierarchies(mount) if mount.is_dir() else []
    names = {name for root in found for name in root.name.split(",")}
    return ("v1" if names else ""), frozenset(names), False


def _features() -> frozenset[str]:
    """Return which of the two modules the kernel has built in, has loaded, or could load."""
    there = {
        "overlay": "overlay" in Path("/proc/filesystems").read_text("utf-8").split(),
        "br_netfilter": Path("/proc/sys/net/bridge").is_dir(),
    }
    return frozenset(name for name, has in there.items() if has or _loadable(name))


def _loadable(module: str) -> bool:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    modprobe = shutil.which("modprobe", path=path)
    if modprobe is None:
        return False
    try:
        run([modprobe, "--dry-run", "--quiet", module])
    except LocalError:
        return False
    return True


def _folder(variable: str, folder: Path) -> Folder:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return Folder(
        variable=variable,
        path=folder,
        free_gib=shutil.disk_usage(existing).free / 2**30,
        filesystem=filesystem(existing, Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")),
        executable=not os.statvfs(existing).f_flag & os.ST_NOEXEC,
    )


def filesystem(folder: Path, mountinfo: str) -> str:
    """Return the type of the file system that holds a folder, from the content of /proc/self/mountinfo."""
    best = (-1, "")
    for line in mountinfo.splitlines():
        words = line.split()
        point = Path(words[4].replace("\\040", " "))
        if folder.is_relative_to(point):
            best = max(best, (len(point.parts), words[words.index("-") + 1]))
    return best[1]


def locked_tables(ruleset: machine_firewall.Ruleset) -> tuple[str, ...]:
    """Return the nftables tables that have an owner and filter pods' packets: only the owner can add rules to them."""
    owned = {
        (table["family"], table["name"])
        for entry in ruleset.get("nftables", ())
        if (table := entry.get("table")) and "owner" in table.get("flags", ())
    }
    chains = machine_firewall.base_chains(ruleset)
    return tuple(sorted({f"{chain.family} {chain.table}" for chain in chains if (chain.family, chain.table) in owned}))


def taken(paths: Paths) -> tuple[ports.Taken, ...]:
    """Return the ports on which processes outside the cluster listen.

    Only root sees which process holds a port. Another user cannot tell a running cluster's ports from those of other
    processes, so the result is empty then.
    """
    daemons = {record.pid for record in processes.records(paths) if record.alive()}
    if daemons and os.geteuid() != 0:
        return ()
    return ports.taken({*cgroups.members(), *daemons})


def _certified_from(paths: Paths) -> dt.datetime | None:
    certificate = paths.pki / "ca.crt"
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_before_utc
    except (OSError, ValueError):
        return None
