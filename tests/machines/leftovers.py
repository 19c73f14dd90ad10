"""What differs between two looks at a machine, and which differences `make down` may leave."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.machines.guests import HOME

Look = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that is there, gone or changed since the first look; `allowed` says why that is no fault."""

    kind: str
    change: str
    name: str
    allowed: str = ""

    def __str__(self) -> str:
        reason = f" ({self.allowed})" if self.allowed else ""
        return f"{self.kind} {self.change}: {self.name}{reason}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Differences that are no fault: of one kind, one change, and with a name that begins as the pattern says."""

    kind: str
    change: str
    pattern: str
    reason: str


ADDED, GONE, CHANGED = "left", "gone", "changed"
RULES = (
    Rule(kind="module", change=ADDED, pattern="", reason="the kernel keeps modules until a reboot"),
    Rule(kind="setting", change=ADDED, pattern="", reason="it came with a kernel module, and has its default"),
    Rule(kind="setting", change=GONE, pattern="", reason="it belongs to something that has ended"),
    Rule(kind="setting", change=CHANGED, pattern=r"(fs/(dentry|file|inode|epoll|aio|quota)"
         r"|kernel/(ns_last|random|pty|sched)|net/netfilter/nf_conntrack_count|vm/(stat|nr_|lowmem))",
         reason="a counter"),
    Rule(kind="process", change=GONE, pattern="", reason="systemd ends what is idle"),
    Rule(kind="process", change=ADDED, pattern=r"(/usr)?/lib/systemd/|\(sd-", reason="systemd starts it when asked"),
    Rule(kind="process", change=CHANGED, pattern=r"(/usr)?/lib/systemd/|\(", reason="systemd's number of workers"),
    Rule(kind="mount", change=ADDED, pattern=r"/proc/sys/fs/binfmt_misc|/run/(user|credentials)", reason="systemd's"),
    Rule(kind="mount", change=GONE, pattern=r"/run/(user|credentials)", reason="systemd's"),
    Rule(kind="cgroup", change=CHANGED, pattern=r"/sys/fs/cgroup$", reason="controllers stay enabled, as ADR 11 says"),
    Rule(kind="file", change=ADDED, pattern=r"/run/(xtables\.lock|lock)", reason="of no size"),
    Rule(kind="file", change=ADDED, pattern=rf"{HOME}/\.(local|cache)(/state|/share)?$", reason="a home has it"),
    Rule(kind="file", change=ADDED, pattern="/etc/systemd/system/sysinit.target.wants/nftables.service",
         reason="the trial's own firewall"),
    Rule(kind="file", change=GONE, pattern=r"/(run|tmp|var)/", reason="a running system's own"),
)  # fmt: skip


def differences(before: Look, after: Look) -> list[Difference]:
    """Return what differs, kind by kind and by name."""
    return [difference for kind in before for difference in _of_kind(kind, before[kind], after[kind])]


def _of_kind(kind: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield _judged(kind, ADDED, name, name)
        elif name not in after:
            yield _judged(kind, GONE, name, name)
        elif before[name] != after[name]:
            yield _judged(kind, CHANGED, name, f"{name}: {before[name]!r}, now {after[name]!r}")


def _judged(kind: str, change: str, name: str, text: str) -> Difference:
    rules = (rule for rule in RULES if (rule.kind, rule.change) == (kind, change) and re.match(rule.pattern, name))
    rule = next(rules, None)
    return Difference(kind=kind, change=change, name=text, allowed=rule.reason if rule else "")


def joined(kernel: Look, disk: Look) -> Look:
    """Return a look of which what a reboot clears comes from one machine state, and the files from an earlier one."""
    return {**kernel, "file": disk["file"]}
