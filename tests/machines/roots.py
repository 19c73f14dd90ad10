"""A guest's root file system: debootstrap into a folder, then an ext4 image and the kernel to boot it with."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from local import debian
from local.commands import run
from local.debian import Need
from local.progress import Progress
from tests.machines.guests import HOME, TRIAL, Guest

NEEDS = (
    Need("qemu-system-x86", program="qemu-system-x86_64"),
    Need("qemu-utils", program="qemu-img"),
    Need("debootstrap", program="debootstrap"),
    Need("e2fsprogs", program="mke2fs"),
    Need("debian-archive-keyring", places=(Path("/usr/share/keyrings/debian-archive-keyring.gpg"),)),
)
_SIZE = "6G"  # sparse: what is written counts
_LIMIT_SECONDS = 1800

AGENT_UNIT = "slipway-trial.service"
_UNIT = f"""[Unit]
Description=Commands of the machine trial
RequiresMountsFor={HOME}

[Service]
ExecStart=/usr/bin/python3 {HOME}/{TRIAL}/agent.py
KillMode=process

[Install]
WantedBy=multi-user.target
"""
_FILES = {
    "etc/hostname": "trial\n",
    "etc/hosts": "127.0.0.1 localhost trial\n::1 localhost\n",
    "etc/resolv.conf": "",
    "etc/fstab": f"/dev/vda / ext4 defaults 0 1\n/dev/vdb {HOME} ext4 defaults 0 2\n",
    f"etc/systemd/system/{AGENT_UNIT}": _UNIT,
}


@dataclass(frozen=True, kw_only=True)
class Root:
    """What QEMU boots: never written to, because each run puts an overlay on the image."""

    folder: Path

    @property
    def image(self) -> Path:
        """The root file system."""
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        """Debian's own kernel."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The initial file system that Debian made for this kernel."""
        return self.folder / "initrd.img"


def provide(guest: Guest, folder: Path, progress: Progress) -> Root:
    """Return a guest's root, made once for its suite and list of packages.

    Args:
        guest: The guest.
        folder: Where roots are kept.
        progress: Shows the steps.

    Raises:
        LocalError: if debootstrap or mke2fs fails; names the log.
    """
    target = folder / guest.key
    if target.is_dir():
        return Root(folder=target)
    fresh = folder / f"{guest.key}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    tree = fresh / "tree"
    with progress.step(f"{guest.name}: debootstrap {guest.suite}", 180):
        _bootstrap(guest, tree, folder / f"{guest.name}-debootstrap.log")
    _settle(tree)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copyfile((tree / name).resolve(), fresh / name)
    with progress.step(f"{guest.name}: file system image", 20):
        make_image(tree, fresh / "root.img", _SIZE)
    shutil.rmtree(tree)
    fresh.rename(target)
    return Root(folder=target)


def _bootstrap(guest: Guest, tree: Path, log: Path) -> None:
    """Install the guest's packages; in a mount namespace of its own, so that an interrupted one leaves no mount."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    command = ["debootstrap", f"--keyring={keyring}", f"--include={','.join(guest.packages)}", guest.suite]
    mirror = debian.mirror()  # one has every suite; without any, debootstrap asks its own
    whole = ["unshare", "--mount", "--", *command, tree, *([mirror] if mirror else [])]
    run(whole, log=log, timeout_seconds=_LIMIT_SECONDS)


def _settle(tree: Path) -> None:
    """Write what an installer would have asked for, and start the agent at boot."""
    for name, content in _FILES.items():
        (tree / name).unlink(missing_ok=True)
        (tree / name).write_text(content)
    shutil.rmtree(tree / "var/cache/apt", ignore_errors=True)
    wanted = tree / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(parents=True, exist_ok=True)
    (wanted / AGENT_UNIT).symlink_to(f"/etc/systemd/system/{AGENT_UNIT}")


def make_image(tree: Path, image: Path, size: str) -> None:
    """Write a folder's content as an ext4 image, sparse, with the size that mke2fs understands."""
    options = ["-q", "-t", "ext4", "-E", "lazy_itable_init=1,lazy_journal_init=1", "-m", "0"]
    run(["mke2fs", *options, "-d", tree, image, size], timeout_seconds=_LIMIT_SECONDS)


def overlay(image: Path, target: Path) -> None:
    """Make a disk that begins as the image and keeps its own writes."""
    target.unlink(missing_ok=True)
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", target])
