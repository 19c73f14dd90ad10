"""What is taken from Debian: a few programs of the node, packages for images, a browser for the tests."""

import os
import shutil
from collections.abc import Sequence
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
# For the tests of web pages; no cluster needs it. The font, or a page without one of its own has no glyphs.
BROWSER = (
    Need("chromium", program="chromium"),
    Need("chromium-driver", program="chromedriver"),
    Need("fonts-dejavu-core", places=(Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),)),
)


def install(needs: Sequence[Need], log: Path, progress: Progress, expected_seconds: float = 30) -> None:
    """Install the packages whose files are missing; raises LocalError if apt-get fails."""
    missing = [need.package for need in needs if not need.met()]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise LocalError(f"packages: {', '.join(missing)} are missing and there is no apt-get: install them yourself")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"apt-get install {' '.join(missing)}", expected_seconds):
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


def download(packages: Sequence[str], status: Path, folder: Path, log: Path) -> list[Path]:
    """Download packages of the suite, with what they need, for an image; returns the .deb files.

    Args:
        packages: Their names.
        status: The image's own dpkg status: what it has already is not downloaded.
        folder: Where to put the files.
        log: Gets what apt prints.

    Raises:
        LocalError: apt does not know a package, or cannot get it.
    """
    if not _known(list(packages)):
        run(["apt-get", "update"], log=log)
    (folder / "partial").mkdir(parents=True)
    options = {
        "Dir::State::status": status,
        "Dir::Cache::archives": folder,
        "Dir::Cache::pkgcache": "",  # this machine's own one is for its own status
        "Dir::Cache::srcpkgcache": "",
        "APT::Default-Release": f"/^{SUITE}(-security|-updates)?$/",
        "APT::Sandbox::User": "root",  # or apt warns: its own user cannot enter our folder
    }
    settings = [f"--option={name}={value}" for name, value in options.items()]
    run(["apt-get", "install", "--download-only", "--yes", "--no-install-recommends", *settings, *packages], log=log)
    return sorted(folder.glob("*.deb"))
