"""What the cluster takes from Debian: a few programs of the node, and the mirror from which the base image is made."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from local.commands import run
from local.configs import CNI_FOLDERS
from local.errors import LocalError
from local.progress import Progress

SUITE = "bookworm"  # its Python 3.11 is what serving/'s locked wheels are for
_SITES = ("/usr/sbin", "/sbin", "/usr/local/sbin")


@dataclass(frozen=True)
class Need:
    """A file that must be there, and the package to install if it is not; a tool from elsewhere is as good."""

    package: str
    program: str = ""
    places: tuple[Path, ...] = ()

    def met(self) -> bool:
        """Whether the program is on the PATH (or where root's programs are), or the file in one of its places."""
        if self.program:
            path = os.pathsep.join((os.environ.get("PATH", ""), *_SITES))
            return shutil.which(self.program, path=path) is not None
        return any(place.exists() for place in self.places)


NEEDS = (
    Need("runc", program="runc"),
    Need("iptables", program="iptables-restore"),
    Need("conntrack", program="conntrack"),
    Need("debootstrap", program="debootstrap"),
    Need("iproute2", program="ip"),
    Need("mount", program="mount"),
    Need("containernetworking-plugins", places=tuple(folder / "host-local" for folder in CNI_FOLDERS)),
    Need("catatonit", places=(Path("/usr/bin/catatonit"),)),
    Need("debian-archive-keyring", places=(Path("/usr/share/keyrings/debian-archive-keyring.gpg"),)),
)


def install(log: Path, progress: Progress) -> None:
    """Install the packages whose files are missing; raises LocalError if apt-get fails."""
    missing = [need.package for need in NEEDS if not need.met()]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LocalError(f"packages: {', '.join(missing)} are missing and there is no apt-get: install them yourself")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"apt-get install {' '.join(missing)}", 30):
        if not _known(missing):
            run(["apt-get", "update"], environment=environment, log=log)
        install_command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        run(install_command, environment=environment, log=log)


def _known(packages: list[str]) -> bool:
    """Whether apt's lists have the packages; a fresh image often has no lists at all."""
    shown = run(["apt-cache", "policy", *packages])
    return shown.count("Candidate:") == len(packages) and "Candidate: (none)" not in shown


def mirror() -> str:
    """Return the Debian mirror that this machine's apt is configured with; raises LocalError if there is none."""
    fields = "$(CODENAME) $(ORIGIN) $(COMPONENT) $(REPO_URI)"
    for line in run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]).splitlines():
        words = line.split()
        if words[:3] == [SUITE, "Debian", "main"]:
            return words[3]
    raise LocalError(
        f"apt: no source of Debian {SUITE} main is configured, from which the base image is made: "
        f"add one to /etc/apt/sources.list.d and run `apt-get update`"
    )
