"""Find programs of this machine that can replace built ones.

Only Pulumi's programs qualify: its engine promises compatibility within a major version, and Pulumi users have their
own CLI. The cluster's programs are configured for exactly the version that is built, so PATH is never searched for
them.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from local.owner import own_home
from local.toolchain.groups import PULUMI_DOCKER_BUILD_VERSION, PULUMI_KUBERNETES_VERSION, PULUMI_VERSION

_PYTHON_HOST = ("pulumi-language-python", "pulumi-language-python-exec")
_PLUGINS = {"kubernetes": PULUMI_KUBERNETES_VERSION, "docker-build": PULUMI_DOCKER_BUILD_VERSION}


def host_programs(home: Path | None = None) -> dict[str, Path]:
    """Return the paths of usable executables by name.

    Pulumi from PATH counts if it is at least as new as the built version and its Python host is in the same folder. A
    plugin counts only in the pinned version, and only from the user's own `~/.pulumi`, because PULUMI_HOME may be the
    cluster's.
    """
    found: dict[str, Path] = {}
    pulumi = shutil.which("pulumi")
    if pulumi is not None and _at_least(_pulumi_version(pulumi), PULUMI_VERSION):
        beside = [Path(pulumi).parent / name for name in _PYTHON_HOST]
        if all(os.access(path, os.X_OK) for path in beside):
            found = {"pulumi": Path(pulumi), **{path.name: path for path in beside}}
    for name, version in _PLUGINS.items():
        binary = f"pulumi-resource-{name}"
        plugin = (home or own_home()) / ".pulumi/plugins" / f"resource-{name}-v{version}" / binary
        if os.access(plugin, os.X_OK):
            found[binary] = plugin
    return found


def _pulumi_version(binary: str) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            [binary, "version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=20,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def _at_least(version: str, minimum: str) -> bool:
    """Return whether a version is at least another one of the same major version; False if it is not a release."""
    have, need = (re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", text) for text in (version, minimum))
    if have is None or need is None:
        return False
    mine, wanted = (tuple(map(int, match.groups())) for match in (have, need))
    return mine[0] == wanted[0] and mine >= wanted
