"""Check whether this machine is ready for `make up`: report every fault at once, with the command that repairs it.

Each check is a function of the facts (`machine.py`), so that tests can run it with and without the fault.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from local import cgroups, debian, images, machine, ports, ranges
from local.addresses import Addresses
from local.errors import LocalError
from local.machine import Machine
from local.paths import Paths

_PYTHON = (3, 11)
# Measured: 4 and 2.5 GiB with one stack. Building the toolchain also needs room for Go's caches.
_FREE_GIB = {"SLIPWAY_STATE": 6.0, "SLIPWAY_CACHE": 3.0}
_MEMORY_GIB = 3.5  # an estimate: the cluster alone takes 0.7 GiB; the toolchain's builds were never measured
_NO_OVERLAY_ON = {"overlay", "nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ecryptfs", "vboxsf", "fuseblk"}
_RELEASED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)  # a clock before this is wrong


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check; a finding with a fault stops `up`."""

    check: str
    fault: str = ""
    remedy: str = ""
    note: str = ""

    def line(self) -> str:
        """Return the finding as one line for people."""
        if self.fault:
            return f"{self.check}: {self.fault}: {self.remedy}"
        return f"{self.check}: {self.note or 'ok'}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What `up` is about to do with the machine.

    Attributes:
        asked: Networks and ports that the user set.
        standing: The addresses of the existing cluster, if there is one.
        parts: The optional parts that the cluster will have.
    """

    asked: ranges.Asked = field(default_factory=ranges.Asked)
    standing: Addresses | None = None
    parts: tuple[str, ...] = ()

    def addresses(self, found: Machine) -> Addresses:
        """Return the addresses that the cluster will use. Raises LocalError."""
        if self.standing is not None:
            return ranges.kept(self.asked, self.standing, found.routed)
        return ranges.choose(self.asked, found.routed)


def examine(found: Machine, plan: Plan) -> list[Finding]:
    """Run all checks. A check that finds no fault reports what it saw."""
    return [finding for check in CHECKS for finding in check(found, plan)]


def refuse_faults(findings: list[Finding]) -> None:
    """Raise LocalError, with one line per fault, if there is a fault."""
    faults = [finding.line() for finding in findings if finding.fault]
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise LocalError(f"this machine is not ready, {count}; nothing was changed\n{listed}")


def ready(paths: Paths, plan: Plan) -> Addresses:
    """Return the addresses for `up`; raise LocalError for a machine with faults, before anything is written."""
    found = machine.read(paths)
    refuse_faults(examine(found, plan))
    return plan.addresses(found)


def report(paths: Paths, plan: Plan) -> dict[str, Any]:
    """Return the document of `doctor --json`."""
    findings = examine(machine.read(paths), plan)
    return {"ready": not any(one.fault for one in findings), "findings": [asdict(one) for one in findings]}


def table(document: dict[str, Any]) -> str:
    """Return the document as lines for people, faults last."""
    findings = [Finding(**one) for one in document["findings"]]
    lines = [f"ok     {one.line()}" for one in findings if not one.fault]
    lines += [f"FAULT  {one.line()}" for one in findings if one.fault]
    return "\n".join([*lines, "", "this machine is ready" if document["ready"] else "this machine is not ready"])


def _root(found: Machine, _: Plan) -> Iterator[Finding]:
    yield Finding(
        check="root",
        fault="" if found.root else "`make up` requires root, because the kubelet, containerd and the packet filter do",
        remedy="run `sudo make up`, or use your own cluster (README.md)",
    )


def _python(found: Machine, _: Plan) -> Iterator[Finding]:
    version = ".".join(map(str, found.python))
    needed = ".".join(map(str, _PYTHON))
    yield Finding(
        check="python",
        fault="" if found.python >= _PYTHON else f"Python {version} is older than {needed}",
        remedy=f"install Python {needed} or newer and run `make up PYTHON=python{needed}`",
        note=version,
    )


def _architecture(found: Machine, _: Plan) -> Iterator[Finding]:
    known = images.ARCHITECTURES
    yield Finding(
        check="architecture",
        fault="" if found.architecture in known else f"{found.architecture} is not supported",
        remedy=f"use a machine with one of {', '.join(known)}",
        note=found.architecture,
    )


def _cgroup(found: Machine, _: Plan) -> Iterator[Finding]:
    missing = [name for name in cgroups.NEEDED if name not in found.controllers]
    if not found.cgroup:
        fault = f"no cgroup hierarchy is mounted at {cgroups.MOUNT}"
        remedy = "run `mount -t cgroup2 none /sys/fs/cgroup`"
    elif found.nested:
        fault = "this is a container: processes in its root cgroup prevent it from enabling controllers"
        remedy = "run on the machine itself or in a virtual machine"
    elif missing:
        fault = f"cgroup {found.cgroup} lacks the controllers {', '.join(missing)}"
        options = " ".join(f"cgroup_enable={name}" for name in missing)
        remedy = f"add `{options}` to the kernel's command line and reboot"
    else:
        fault = remedy = ""
    yield Finding(check="cgroups", fault=fault, remedy=remedy, note=found.cgroup)


def _kernel(found: Machine, _: Plan) -> Iterator[Finding]:
    missing = [name for name in ("overlay", "br_netfilter") if name not in found.features]
    if found.kernel_modules:
        remedy = "install kmod and the kernel's extra modules (Ubuntu: linux-modules-extra-$(uname -r))"
    else:
        remedy = "reboot into the installed kernel (the modules of the running one are gone), and install kmod"
    fault = f"kernel {found.kernel} cannot load {' and '.join(missing)}" if missing else ""
    yield Finding(check="kernel", fault=fault, remedy=remedy, note=found.kernel)


def _memory(found: Machine, _: Plan) -> Iterator[Finding]:
    has = f"{found.memory_gib:.1f} GiB"
    yield Finding(
        check="memory",
        fault="" if found.memory_gib >= _MEMORY_GIB else f"the machine has {has}; the minimum is {_MEMORY_GIB} GiB",
        remedy="give the machine more memory",
        note=has,
    )


def _disk(found: Machine, _: Plan) -> Iterator[Finding]:
    for folder in found.folders:
        where, needed = f"{folder.variable} ({folder.path})", _FREE_GIB[folder.variable]
        moved = f"set {folder.variable} to a folder on another disk"
        if folder.free_gib < needed:
            fault = f"{where} has {folder.free_gib:.1f} GiB free but requires {needed:.0f} GiB"
            remedy = f"make room, or {moved}"
        elif not folder.executable:
            fault, remedy = f"{where} is mounted noexec, but programs must run from it", moved
        elif folder.variable == "SLIPWAY_STATE" and folder.filesystem in _NO_OVERLAY_ON:
            fault = f"{where} is on {folder.filesystem}, on which container layers cannot be mounted"
            remedy = f"set {folder.variable} to a folder on ext4, xfs or btrfs"
        else:
            fault = remedy = ""
        note = f"{folder.path}: {folder.free_gib:.0f} GiB free, {folder.filesystem}"
        yield Finding(check="disk", fault=fault, remedy=remedy, note=note)


def _packages(found: Machine, _: Plan) -> Iterator[Finding]:
    listed = " ".join(found.missing_packages)
    if not found.missing_packages:
        yield Finding(check="packages", note="all installed")
    elif found.installer == "apt-get":
        yield Finding(check="packages", note=f"`make up` installs {listed}")
    else:
        remedy = f"run `{debian.installation(found.installer, found.missing_packages)}`"
        yield Finding(check="packages", fault=f"{listed} are missing and there is no apt-get", remedy=remedy)


def _firewall(found: Machine, _: Plan) -> Iterator[Finding]:
    tables = ", ".join(found.locked_tables)
    yield Finding(
        check="firewall",
        fault=f"nftables table {tables} belongs to a running program and accepts no other rules" if tables else "",
        remedy="allow the interface slipway0 in that program, or stop the program",
    )


def _other_kubernetes(found: Machine, _: Plan) -> Iterator[Finding]:
    chain = found.other_kubernetes
    yield Finding(
        check="other Kubernetes",
        fault=f"iptables chain {chain} belongs to another Kubernetes, whose rules would conflict" if chain else "",
        remedy="use that cluster (set its context in slipway:cluster), or stop it and remove its rules",
        note="none",
    )


def _addresses(found: Machine, plan: Plan) -> Iterator[Finding]:
    try:
        at = plan.addresses(found)
    except LocalError as refused:
        fault, _, remedy = str(refused).rpartition(": ")
        yield Finding(check="network", fault=fault, remedy=remedy)
        return
    yield Finding(check="network", note=f"pods {at.pods}, services {at.services}")
    free = True
    for listener in at.listeners(plan.parts):
        holder = ports.covering(found.taken, listener.address, listener.number)
        if holder is not None:
            free = False
            setting = f", or run `make up PORTS={listener.name}=<free port>`" if listener.name != "dns" else ""
            yield Finding(
                check="port",
                fault=f"{listener.name} needs {listener.address}:{listener.number}, but {holder.holder} listens there",
                remedy=f"stop that process{setting}",
            )
    if free:
        yield Finding(check="ports", note="all free")


def _clock(found: Machine, _: Plan) -> Iterator[Finding]:
    shown = f"{found.now:%Y-%m-%d %H:%M} UTC"
    fault = ""
    if found.now < _RELEASED:
        fault = f"the clock is set to {shown}, which is in the past: certificates would not be valid"
    elif found.certified_from is not None and found.now < found.certified_from:
        since = f"{found.certified_from:%Y-%m-%d %H:%M} UTC"
        fault = f"the clock is set to {shown}, but the cluster's certificates are valid from {since}"
    yield Finding(check="clock", fault=fault, remedy="set the clock: `timedatectl set-ntp true`", note=shown)


Check = Callable[[Machine, Plan], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    _root,
    _python,
    _architecture,
    _cgroup,
    _kernel,
    _memory,
    _disk,
    _packages,
    _firewall,
    _other_kubernetes,
    _addresses,
    _clock,
)
