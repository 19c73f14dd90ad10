"""Runs in the guest: prints what a cluster could leave behind, as JSON: one dictionary of names for each kind.

The standard library only, like the agent. A name is what must be there again after `make down` (a process' command
line, a mount, a rule); its value is what must be the same (the number of such processes, a setting).
"""

import collections
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_SETTLE_SECONDS = 2  # between two looks at settings, to find those that change by themselves
_HOME = "/root"
_CGROUPS = Path("/sys/fs/cgroup")
# Where clusters keep files outside of their state directory, and where programs install themselves.
_FOLDERS = ("/etc", "/opt", "/run", "/usr/local", "/var/lib", "/var/log", "/var/spool", "/tmp", _HOME)  # noqa: S108
# Files that come and go on every machine, and what the trial itself brings: the clone's `.venv`, pip's and uv's caches.
_VOLATILE_FILES = re.compile(
    r"/run/(systemd|udev|log|user|utmp|blkid|cron|lock/lvm|agetty\.reload|initctl|dbus|network|sudo)|/var/log/"
    r"|/var/lib/(systemd|private|logrotate|apt|dpkg|dbus|misc)|/tmp/(systemd-private-|\.\w+-unix)"
    rf"|{_HOME}/(\.trial|\.cache|slipway/|wheels/)|/etc/(mtab|ld\.so\.cache|\.pwd\.lock)"
)
_COUNTERS = re.compile(r"\[\d+:\d+\]|packets \d+ bytes \d+|# handle \d+")
_LIFETIMES = re.compile(r"(valid_lft|preferred_lft|expires) \w+")
_LEAST_NUMBER = re.compile(r"^\d+: ")


def processes() -> dict[str, str]:
    """Return the command lines of all programs, kernel threads and this command aside, with how often each runs."""
    own = _family(os.getpid())
    found: collections.Counter[str] = collections.Counter()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            (folder / "exe").readlink()  # kernel threads have none
        except OSError:
            continue
        if int(folder.name) not in own:
            found[b" ".join(words).decode(errors="replace").strip()] += 1
    return {line: str(times) for line, times in found.items() if line}


def _family(pid: int) -> set[int]:
    """Return a process and its ancestors, of which the agent's are there on both looks."""
    found = {pid}
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
        found.add(pid)
    return found


def mounts() -> dict[str, str]:
    """Return the mount points with the kind of file system on each."""
    lines = (line.split(" - ") for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return {left.split()[4]: right.split()[0] for left, right in lines}


def interfaces() -> dict[str, str]:
    """Return the network interfaces and the network namespaces that have a name."""
    return {path.name: "" for folder in ("/sys/class/net", "/run/netns") for path in _entries(Path(folder))}


def addresses() -> dict[str, str]:
    """Return the addresses of all interfaces."""
    return _lines(_LEAST_NUMBER.sub("", _LIFETIMES.sub("", line)) for line in _printed("ip", "-o", "address"))


def routes() -> dict[str, str]:
    """Return the routes and routing rules of all tables, of IPv4 and IPv6."""
    commands = [("ip", family, what, *more) for family in ("-4", "-6") for what, *more in _ROUTE_COMMANDS]
    return _lines(_LIFETIMES.sub("", line) for command in commands for line in _printed(*command))


_ROUTE_COMMANDS = (("route", "show", "table", "all"), ("rule", "show"))


def firewall() -> dict[str, str]:
    """Return chains, policies and rules without their counters; a table of built-in chains alone says nothing."""
    found: dict[str, str] = {}
    for program in ("iptables-save", "ip6tables-save"):
        table = ""
        for line in _printed(program):
            table = line[1:] if line.startswith("*") else table
            words = _COUNTERS.sub("", line).strip()
            if words.startswith("-") or (words.startswith(":") and not words.endswith(" ACCEPT")):
                found[f"{program} {table}: {words}"] = ""
    return found | ruleset(json.loads("\n".join(_printed("nft", "-j", "list", "ruleset")) or "{}"))


def ruleset(listed: Mapping[str, Sequence[Mapping[str, Mapping[str, object]]]]) -> dict[str, str]:
    """Return what an nftables ruleset decides: its rules, its sets, and the chains that drop what no rule names."""
    found: dict[str, str] = {}
    for entry in listed.get("nftables", []):
        for kind, content in entry.items():
            if kind in {"metainfo", "table"} or (kind == "chain" and content.get("policy", "accept") == "accept"):
                continue
            stable = {key: value for key, value in content.items() if key not in {"handle", "index"}}
            text = json.dumps(stable, sort_keys=True)
            found[f"nft {kind}: " + re.sub(r'"(packets|bytes)": \d+', r'"\1": 0', text)] = ""
    return found


def settings() -> dict[str, str]:
    """Return the kernel's settings, apart from those that change while one looks."""
    first = dict(_settings())
    time.sleep(_SETTLE_SECONDS)
    second = dict(_settings())
    return {name: value for name, value in first.items() if second.get(name) == value}


def _settings() -> Iterator[tuple[str, str]]:
    for folder, _, names in os.walk("/proc/sys"):
        for name in names:
            file = Path(folder) / name
            try:
                if file.stat().st_mode & 0o444:
                    yield str(file.relative_to("/proc/sys")), file.read_text(errors="replace").strip()
            except OSError:
                continue


def cgroups() -> dict[str, str]:
    """Return the cgroups with the controllers that each gives to its children, units and sessions of systemd aside."""
    found: dict[str, str] = {}
    for folder, names, _ in os.walk(_CGROUPS):
        place = Path(folder)
        found[str(place)] = (place / "cgroup.subtree_control").read_text().strip()
        names[:] = [name for name in names if not name.endswith((".slice", ".scope", ".service", ".mount", ".socket"))]
    return found


def files() -> dict[str, str]:
    """Return the files, folders and links that are not of the kind that comes and goes on every machine."""
    found: dict[str, str] = {}
    for top in _FOLDERS:
        for folder, names, more in os.walk(top):
            names[:] = [name for name in names if not _VOLATILE_FILES.match(f"{folder}/{name}/")]
            for name in (*names, *more):
                path = f"{folder}/{name}"
                if not _VOLATILE_FILES.match(path):
                    found[path] = ""
    return found


def modules() -> dict[str, str]:
    """Return the loaded kernel modules."""
    return _lines(line.split()[0] for line in Path("/proc/modules").read_text().splitlines())


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _printed(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def _lines(lines: Iterator[str]) -> dict[str, str]:
    return {" ".join(line.split()): "" for line in lines}


KINDS: dict[str, Callable[[], dict[str, str]]] = {
    # The settings come first: a look at all of them mounts binfmt_misc.
    "setting": settings,
    "process": processes,
    "mount": mounts,
    "interface": interfaces,
    "address": addresses,
    "route": routes,
    "firewall": firewall,
    "cgroup": cgroups,
    "file": files,
    "module": modules,
}

if __name__ == "__main__":
    json.dump({kind: look() for kind, look in KINDS.items()}, sys.stdout)
