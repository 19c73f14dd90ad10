"""What a cluster leaves on a machine: looked up from the kernel, not from what our own code believes."""

import json
import os
import subprocess
from pathlib import Path

import psutil


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def interfaces() -> set[str]:
    """Names of all network interfaces."""
    return {link["ifname"] for link in json.loads("".join(_lines("ip", "-j", "link")))}


def routes() -> set[str]:
    """All IPv4 routes."""
    return set(_lines("ip", "-4", "route", "show", "table", "all"))


def firewall() -> set[str]:
    """Chains and rules of both of iptables' backends, without counters."""
    found: set[str] = set()
    for save in ("iptables-legacy-save", "iptables-nft-save", "ip6tables-legacy-save", "ip6tables-nft-save"):
        done = subprocess.run([save], capture_output=True, text=True, check=False)
        found |= {line.partition(" [")[0] for line in done.stdout.splitlines() if line.startswith((":", "-A"))}
    return found


def mounts() -> set[str]:
    """All mount points."""
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def cgroups() -> set[str]:
    """Control groups that pods and builds are put into."""
    names = ("kubepods", "slipway", "buildkit")
    roots = Path("/sys/fs/cgroup")
    return {str(path) for name in names for path in (*roots.glob(f"{name}*"), *roots.glob(f"*/{name}*"))}


def processes(state: Path) -> set[str]:
    """Processes, this one's own family left out, that have the state directory on their command line or open."""
    family = {os.getpid(), *(p.pid for p in psutil.Process().children(recursive=True))}
    found: set[str] = set()
    for process in psutil.process_iter():
        if process.pid in family:
            continue
        try:
            if any(str(state) in part for part in process.cmdline()) or str(state) in process.cwd():
                found.add(f"{process.pid} {process.name()}")
        except psutil.Error:
            continue  # it ended meanwhile
    return found


def all_of(state: Path) -> dict[str, set[str]]:
    """Everything that a cluster with this state directory would leave."""
    return {
        "interfaces": interfaces(),
        "routes": routes(),
        "firewall": firewall(),
        "mounts": mounts(),
        "cgroups": cgroups(),
        "processes": processes(state),
    }
