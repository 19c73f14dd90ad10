"""The Prometheus operator's resource definitions, taken from its Go module, whose checksum `crds/go.sum` pins."""

import json
import re
import shutil
from pathlib import Path

from local.commands import run
from local.errors import LocalError
from local.progress import Progress
from local.toolchain.golang import require_go

MODULE = "github.com/prometheus-operator/prometheus-operator"
_SOURCE = Path(__file__).parent / "crds"
_FOLDER = "example/prometheus-operator-crd"


def version() -> str:
    """Return the pinned version."""
    found = re.search(rf"{re.escape(MODULE)} (v\S+)", (_SOURCE / "go.mod").read_text())
    if found is None:
        raise LocalError(f"{_SOURCE / 'go.mod'}: it must require {MODULE}")
    return found[1]


def definitions(cache: Path, progress: Progress) -> Path:
    """Return a folder of CustomResourceDefinition files; downloads the module once per cache. Raises LocalError."""
    target = cache / f"crds-{version()}"
    if target.is_dir():
        return target
    go = require_go(cache, progress)
    answer = json.loads(run([go.binary, "mod", "download", "-json", MODULE], cwd=_SOURCE, environment=go.environment()))
    fresh = cache / f"crds-{version()}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(Path(answer["Dir"]) / _FOLDER, fresh, copy_function=shutil.copyfile)
    fresh.chmod(0o755)
    fresh.rename(target)
    return target
