"""How QEMU is called, and whether this machine's KVM works."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.machines.roots import Root

PORT_NAME = "slipway.trial"
MEMORY_MIB = 8192
PROCESSORS = 2
DISKS = ("root.qcow2", "home.qcow2")
SOCKET, CONSOLE, ERRORS = "agent.sock", "console.log", "qemu.log"
_KERNEL_OPTIONS = "root=/dev/vda rw console=ttyS0 mitigations=off panic=-1 rcupdate.rcu_cpu_stall_suppress=1"
# Each timer that an emulated guest sets, and each look at the HPET, takes a lock that stops the other processor: with
# ticks of 4 ms and the TSC, programs in Go were a third faster.
_EMULATED_KERNEL_OPTIONS = "tsc=reliable clocksource=tsc highres=off nohz=off"
_ACCELERATED = ("-accel", "kvm", "-cpu", "host")
# Emulated AVX is slower than what programs do without it; 5-level page tables make each TLB miss longer.
_EMULATED = ("-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "max,la57=off,avx=off,avx2=off")
_KVM = Path("/dev/kvm")
_FIRST_LINE = b"Linux version"  # with a KVM that works, the kernel says it within a second
_PROBE_SECONDS = 15
_POLL_SECONDS = 0.1


def command(root: Root, folder: Path, *, accelerated: bool) -> list[str]:
    """Return the command line of a guest whose disks, socket and console are in `folder`.

    A reboot ends QEMU, so that the time of the way down is known. Nobody waits for writes to reach the disk: a run's
    disks are thrown away.
    """
    disks = [f"file={folder / name},if=virtio,format=qcow2,cache=unsafe,discard=unmap" for name in DISKS]
    kernel = _KERNEL_OPTIONS if accelerated else f"{_KERNEL_OPTIONS} {_EMULATED_KERNEL_OPTIONS}"
    return [
        "qemu-system-x86_64",
        *("-name", "slipway-trial", "-nodefaults", "-display", "none", "-no-reboot", "-nic", "none"),
        *(_ACCELERATED if accelerated else _EMULATED),
        *("-smp", str(PROCESSORS), "-m", str(MEMORY_MIB)),
        *("-kernel", str(root.kernel), "-initrd", str(root.initrd), "-append", kernel),
        *(word for disk in disks for word in ("-drive", disk)),
        *("-chardev", f"file,id=console,path={folder / CONSOLE},append=on", "-serial", "chardev:console"),
        *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *("-chardev", f"socket,id=agent,path={folder / SOCKET},server=on,wait=off"),
        *("-device", f"virtserialport,chardev=agent,name={PORT_NAME}"),
    ]


def kvm_works(kernel: Path, limit_seconds: float = _PROBE_SECONDS) -> bool:
    """Whether KVM brings a kernel to its first line: there are machines whose /dev/kvm opens and whose guests hang."""
    if not os.access(_KVM, os.R_OK | os.W_OK):
        return False
    with tempfile.TemporaryDirectory() as folder:
        console = Path(folder) / CONSOLE
        guest = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-no-reboot", *_ACCELERATED, "-m", "512"]
        boot = ["-kernel", str(kernel), "-append", "console=ttyS0 earlyprintk=ttyS0 panic=-1"]
        process = subprocess.Popen(
            [*guest, *boot, "-serial", f"file:{console}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            return _appears(_FIRST_LINE, console, process, limit_seconds)
        finally:
            process.kill()
            process.wait()


def _appears(text: bytes, file: Path, process: subprocess.Popen[bytes], limit_seconds: float) -> bool:
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        if file.exists() and text in file.read_bytes():
            return True
        if ended:
            return False
        time.sleep(_POLL_SECONDS)
    return False
