"""Install what comes from Debian: programs of the node, packages for images, and a browser for the tests."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.commands import run
from local.configs import CNI_FOLDERS
from local.errors import LocalError
from local.progress import Progress

SUITE = "bookworm"  # serving/'s locked wheels are for its Python 3.11
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MIRROR_VARIABLE = "SLIPWAY_DEBIAN_MIRROR"
_COMMANDS = {"apt-get": "apt-get install", "dnf": "dnf install", "zypper": "zypper install", "pacman": "pacman -S"}
_FEDORA = {
    "iptables": "iptables-nft",
    "conntrack": "conntrack-tools",
    "iproute2": "iproute",
    "mount": "util-linux",
    "debian-archive-keyring": "debian-keyring",
}
_SITES = ("/usr/sbin", "/sbin", "/usr/local/sbin")


@dataclass(frozen=True)
class Need:
    """A required program or file, and the Debian package to install if it is missing from this machine."""

    package: str
    program: str = ""
    places: tuple[Path, ...] = ()

    def met(self) -> bool:
        """Return whether the program is on PATH or in root's program folders, or the file is in one of its places."""
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
    Need("debian-archive-keyring", places=(_KEYRING,)),
)
# For the tests of web pages; no cluster needs these. Without the font, a page that has no font of its own shows no
# glyphs.
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
        command = installation("", missing)
        raise LocalError(f"packages: {', '.join(missing)} are missing and there is no apt-get: run `{command}`")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with progress.step(f"apt-get install {' '.join(missing)}", expected_seconds):
        if not _known(missing):
            run(["apt-get", "update"], environment=environment, log=log)
        install_command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
        run(install_command, environment=environment, log=log)


def _known(packages: list[str]) -> bool:
    """Return whether apt's lists have the packages; a fresh image often has no lists at all."""
    shown = run(["apt-cache", "policy", *packages])
    return shown.count("Candidate:") == len(packages) and "Candidate: (none)" not in shown


def installation(installer: str, packages: Sequence[str]) -> str:
    """Return the command that installs packages, given by their Debian names, with the machine's package manager."""
    command = _COMMANDS.get(installer, f"{installer or 'your package manager'} install")
    names = _FEDORA if installer == "dnf" else {}
    return f"{command} {' '.join(names.get(package, package) for package in packages)}"


def mirror() -> str | None:
    """Return the Debian mirror that images are built from; None for debootstrap's own default.

    SLIPWAY_DEBIAN_MIRROR sets the mirror. Otherwise it is the mirror in this machine's apt sources, for any Debian
    release, because a mirror has all of them. A machine of another distribution has none. The machine's sources are not
    changed.
    """
    if given := os.environ.get(_MIRROR_VARIABLE):
        return given
    if shutil.which("apt-get") is None:
        return None
    fields = "$(ORIGIN) $(COMPONENT) $(SUITE) $(REPO_URI)"
    for line in run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]).splitlines():
        words = line.split()
        if words[:2] == ["Debian", "main"] and "security" not in words[2]:
            return words[3]
    return None


def bootstrap(root: Path, packages: Sequence[str], log: Path, *, debs: Path, download_only: bool = False) -> None:
    """Create a root folder of the suite with these packages and their dependencies; raises LocalError.

    Args:
        root: The folder.
        packages: Packages to add to the minimal system.
        log: Receives debootstrap's output.
        debs: Caches the packages, so that a second root does not download them again.
        download_only: Download the packages to `var/cache/apt/archives` of the root, and install none.
    """
    debs.mkdir(parents=True, exist_ok=True)
    where = mirror()
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--keyring={_KEYRING}",
        f"--cache-dir={debs}",
        f"--include={','.join(packages)}",
        *(["--download-only"] if download_only else []),
        SUITE,
        root,
        *([where] if where else []),
    ]
    try:
        # In a mount namespace of its own, so that an interrupted debootstrap leaves no /proc mounted in the cache.
        run(["unshare", "--mount", "--", *command], log=log)
    except LocalError as failure:
        if where is None:
            raise LocalError(
                f"{failure}; apt's sources contain no Debian mirror, so debootstrap used its own: set another one "
                f"with {_MIRROR_VARIABLE}=<its URL>"
            ) from failure
        raise


def package_name(deb: Path) -> str:
    """Return the name of the package in a .deb file."""
    return run(["dpkg-deb", "--field", deb, "Package"]).strip()
