"""Reads from the kernel what a cluster leaves on a machine, independently of our own code."""

import json
import os
import subprocess
from pathlib import Path

import psutil


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def interfaces() -> set[str]:
    """Return the names of all network interfaces."""
    return {link["ifname"] for link in json.loads("".join(_lines("ip", "-j", "link")))}


def routes() -> set[str]:
    """Return all IPv4 routes."""
    return set(_lines("ip", "-4", "route", "show", "table", "all"))


def firewall() -> set[str]:
    """Return the chains and rules of both iptables backends, without counters."""
    found: set[str] = set()
    for save in ("iptables-legacy-save", "iptables-nft-save", "ip6tables-legacy-save", "ip6tables-nft-save"):
        done = subprocess.run([save], capture_output=True, text=True, check=False)
        found |= {line.partition(" [")[0] for line in done.stdout.splitlines() if line.startswith((":", "-A"))}
    return found


def mounts() -> set[str]:
    """Return all mount points."""
    return {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}


def cgroups() -> set[str]:
    """Return the control groups of pods and builds."""
    names = ("kubepods", "slipway", "buildkit")
    roots = Path("/sys/fs/cgroup")
    return {str(path) for name in names for path in (*roots.glob(f"{name}*"), *roots.glob(f"*/{name}*"))}


def processes(state: Path) -> set[str]:
    """Return the processes whose command line or folder names the state directory, except this one and its children."""
    family = {os.getpid(), *(p.pid for p in psutil.Process().children(recursive=True))}
    found: set[str] = set()
    for process in psutil.process_iter():
        if process.pid in family:
            continue
        try:
            if any(str(state) in part for part in process.cmdline()) or str(state) in process.cwd():
                found.add(f"{process.pid} {process.name()}")
        except psutil.Error:
            continue  # the process has ended
    return found


def all_of(state: Path) -> dict[str, set[str]]:
    """Return everything that a cluster with this state directory could leave."""
    return {
        "interfaces": interfaces(),
        "routes": routes(),
        "firewall": firewall(),
        "mounts": mounts(),
        "cgroups": cgroups(),
        "processes": processes(state),
    }
