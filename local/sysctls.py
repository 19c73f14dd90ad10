"""Record the kernel settings that the cluster changes, and restore them on `down`."""

import json
from pathlib import Path

# Written by us, or by the kubelet and kube-proxy at start.
_CHANGED = (
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
PROC_SYS = Path("/proc/sys")


def save(target: Path) -> None:
    """Record the settings before the cluster changes them, once per boot.

    After a reboot the kernel has its own values again, which may differ from those of the boot before.
    """
    boot = (PROC_SYS / "kernel/random/boot_id").read_text("utf-8").strip()
    if target.exists() and json.loads(target.read_text("utf-8")).get("boot", boot) == boot:
        return
    found = {name: (PROC_SYS / name).read_text("utf-8").strip() for name in _CHANGED if (PROC_SYS / name).exists()}
    target.write_text(json.dumps({"boot": boot, **found}, indent=1), "utf-8")


def restore(saved: Path) -> None:
    """Restore the settings that `save` recorded; after a reboot there is nothing to restore."""
    if saved.exists():
        found: dict[str, str] = json.loads(saved.read_text("utf-8"))
        boot = (PROC_SYS / "kernel/random/boot_id").read_text("utf-8").strip()
        if found.pop("boot", boot) == boot:
            for name, value in found.items():
                write(name, value)


def write(name: str, value: str) -> None:
    """Set a kernel setting, if the kernel has it and its value differs."""
    file = PROC_SYS / name
    if file.exists() and file.read_text("utf-8").strip() != value:
        file.write_text(value, "utf-8")
