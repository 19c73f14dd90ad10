"""The images that the cluster starts from: `pause`, which holds a pod's namespaces, and the base images of builds."""

import hashlib
import platform
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import httpx

from local import addresses, debian, oci, patience
from local.commands import run
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress

_BASE_PACKAGES = ("python3", "python3-venv", "ca-certificates")
# Folders that a model server never reads: 40 MB of the base image that every node would unpack.
_DROPPED = ("var/lib/apt/lists", "var/cache/apt", "usr/share/man", "usr/share/locale", "usr/share/info", "var/log")
_BASE_FORMAT = "1"  # increase it when the way the base is built changes
_REDIS_PACKAGES = ("redis-server", "redis-tools")
_REDIS_FORMAT = "2"
_PAUSE_PROGRAM = Path("/usr/bin/catatonit")  # a static init with a pause mode, from Debian
_PACKAGE = re.compile(r"^Package: (\S+)$", re.MULTILINE)
_DEBS = "debs"  # the packages' folder, beside the images
_NOBODY = "65535:65535"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def seed_pause(paths: Paths) -> None:
    """Push the pause image if the registry lacks it; the registry must be up."""
    seed_program(
        paths, _PAUSE_PROGRAM, "catatonit", "-P", repository=addresses.PAUSE_REPOSITORY, tag=addresses.PAUSE_TAG
    )


def seed_program(paths: Paths, program: Path, place: str, *options: str, repository: str, tag: str) -> None:
    """Push the image of a static program if the registry lacks it; the registry must be up.

    Args:
        paths: The cluster's paths; their cache keeps the image.
        program: The program's file on this machine.
        place: The program's path in the image, without the leading slash.
        options: Arguments that the image always passes to the program.
        repository: The image's name in the registry.
        tag: The image's tag.
    """
    with program.open("rb") as content:
        key = hashlib.file_digest(content, "sha256").hexdigest()[:16]
    folder = paths.cache / f"images/{program.name}-{key}"
    image = cached(folder, lambda target: make_program(target, program, place, *options))
    _push(paths, image, repository, tag)


def make_base(paths: Paths, progress: Progress) -> Path:
    """Return the folder of the model servers' base image; build it from the machine's apt mirror, once per cache."""
    key = hashlib.sha256(" ".join((_BASE_FORMAT, *_BASE_PACKAGES, *_DROPPED)).encode()).hexdigest()[:16]
    folder = paths.cache / f"images/base-{debian.SUITE}-{key}"
    if not folder.is_dir():
        with progress.step("base image (debootstrap)", 75):
            cached(folder, lambda target: _make_base(target, paths.cache / "images/debootstrap.log"))
    return folder


def make_redis(paths: Paths, base: Path, progress: Progress) -> Path:
    """Return the folder of the Redis image: Debian's packages as one more layer on the model servers' base image."""
    key = hashlib.sha256(" ".join((_REDIS_FORMAT, base.name, *_REDIS_PACKAGES)).encode()).hexdigest()[:16]
    folder = paths.cache / f"images/redis-{debian.SUITE}-{key}"
    if not folder.is_dir():
        with progress.step("Redis image", 2):
            cached(folder, lambda target: _make_redis(target, base, paths.cache / "images/redis.log"))
    return folder


def seed_bases(paths: Paths, base: Path, redis: Path, progress: Progress) -> None:
    """Push the base images if the registry lacks them; the registry must be up."""
    with progress.step("push the base images", 2):
        _push(paths, base, addresses.BASE_REPOSITORY, addresses.BASE_TAG)
        _push(paths, redis, addresses.REDIS_REPOSITORY, addresses.BASE_TAG)


def _push(paths: Paths, image: Path, repository: str, tag: str) -> str:
    with httpx.Client(base_url=paths.addresses.registry_url, timeout=patience.limit(60), trust_env=False) as registry:
        return oci.push(image, registry, repository, tag)


def cached(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return the folder. `make` fills it under another name first: an interrupted run leaves no partial image."""
    if not folder.is_dir():
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True, mode=0o700)
        make(fresh)
        fresh.rename(folder)
    return folder


def make_program(folder: Path, program: Path, place: str, *options: str) -> None:
    """Write an image of one static program, run as nobody; `place` is its path in the image, without the slash."""
    entry = tarfile.TarInfo(place)
    entry.size, entry.mode = program.stat().st_size, 0o755
    with tarfile.open(folder / "layer.tar", "w") as layer, program.open("rb") as content:
        layer.addfile(entry, content)
    oci.write_image(folder, entrypoint=(f"/{place}", *options), user=_NOBODY, architecture=architecture())


def _make_base(folder: Path, log: Path) -> None:
    root = folder / "root"
    debian.bootstrap(root, _BASE_PACKAGES, log, debs=folder.parent / _DEBS)
    for name in _DROPPED:
        shutil.rmtree(root / name, ignore_errors=True)
        (root / name).mkdir(parents=True)
    for name in ("etc/hostname", "etc/resolv.conf"):  # copied from this machine; the kubelet mounts its own
        (root / name).write_text("", "utf-8")
    _pack(root, folder / "layer.tar")
    shutil.rmtree(root)
    oci.write_image(folder, architecture=architecture())


def _make_redis(folder: Path, base: Path, log: Path) -> None:
    status, root, packages = "./var/lib/dpkg/status", folder / "root", folder / "packages"
    with tarfile.open(base / "layer.tar") as layer:
        layer.extract(status, folder, filter="data")
    installed = set(_PACKAGE.findall((folder / status).read_text("utf-8")))
    debian.bootstrap(packages, _REDIS_PACKAGES, log, debs=folder.parent / _DEBS, download_only=True)
    for package in sorted((packages / "var/cache/apt/archives").glob("*.deb")):
        if debian.package_name(package) not in installed:
            run(["dpkg-deb", "--extract", package, root])
    merge_usr(root)
    for name in (*_DROPPED, "usr/share/doc"):
        shutil.rmtree(root / name, ignore_errors=True)
    (folder / "layer.tar").hardlink_to(base / "layer.tar")
    _pack(root, folder / "layer1.tar")
    for name in ("root", "packages", "var"):
        shutil.rmtree(folder / name)
    oci.write_image(folder, architecture=architecture())


def merge_usr(root: Path) -> None:
    """Move /bin, /sbin and /lib below /usr. In the base they are links, which folders of an upper layer would cover."""
    for name in ("bin", "sbin", "lib"):
        if (root / name).is_dir():
            shutil.copytree(root / name, root / "usr" / name, dirs_exist_ok=True, symlinks=True)
            shutil.rmtree(root / name)


def _pack(root: Path, layer: Path) -> None:
    run(["tar", "--create", f"--file={layer}", f"--directory={root}", "--numeric-owner", "--sort=name", "."])


def architecture() -> str:
    """Return this machine's architecture as images name it; raise LocalError if it is not supported."""
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise LocalError(f"machine: {machine} is not supported: use one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[machine]
