"""The machines on which `make up` is tried: what is installed on each, as its users have it."""

import hashlib
from dataclasses import dataclass

from local.debian import NEEDS

# Beside what debootstrap installs by default (systemd, udev, iproute2, nftables and the like). AppArmor comes with the
# installer's "Recommends", which debootstrap does not follow.
_COMMON = (
    "apparmor",
    "ca-certificates",
    "curl",
    "dbus",
    "git",
    "iptables",
    "kmod",
    "linux-image-cloud-amd64",
    "make",
    "nftables",
    "procps",
    "python3",
    "python3-pip",
    "python3-venv",
    "systemd-sysv",
)
# Of the user in the guest, who is root, and what lies there.
HOME = "/root"
CLONE, WHEELS, TRIAL = "slipway", "wheels", ".trial"
_FORMAT = "1"  # raise it when the way a root is made changes


@dataclass(frozen=True, kw_only=True)
class Guest:
    """One distribution and version.

    Attributes:
        name: As on the command line.
        suite: Its name in Debian's archive.
        python: The version of its `python3`, for which wheels are downloaded.
    """

    name: str
    suite: str
    python: str

    @property
    def packages(self) -> tuple[str, ...]:
        """What debootstrap includes: the guest has no network, so `make up` must find its own packages installed."""
        return tuple(sorted({*_COMMON, *(need.package for need in NEEDS)}))

    @property
    def key(self) -> str:
        """Name the root by all that determines it, so that a changed list makes a new one."""
        facts = "\0".join((_FORMAT, self.suite, *self.packages))
        return f"{self.name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


GUESTS = (
    Guest(name="debian-12", suite="bookworm", python="3.11"),
    Guest(name="debian-13", suite="trixie", python="3.13"),
)
