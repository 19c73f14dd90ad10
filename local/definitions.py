"""Resource definitions that stacks use, from the Go modules that publish them. `crds/go.sum` pins the modules.

Traefik acts on the Gateway API's resources, part `keda` on KEDA's, part `monitoring` on the Prometheus operator's. No
controller acts on the others: the API server stores and validates them, as in a cluster with the operators. Definitions
that only an operator's own installation uses (Prometheus, SecretStore) are left out, because each `up` would apply 5 MB
more. Definitions that only the parts watch (0.7 and 0.9 MB) come with the parts.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from local.addresses import Addresses
from local.commands import run
from local.errors import LocalError
from local.progress import Progress
from local.toolchain.golang import require_go

PINS = Path(__file__).parent / "crds"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A Go module of `crds/go.mod`, and the files in it that are applied."""

    module: str
    folder: str
    files: tuple[str, ...]


SOURCES = (
    Source(
        module="github.com/prometheus-operator/prometheus-operator",
        folder="example/prometheus-operator-crd",
        files=tuple(
            f"monitoring.coreos.com_{kind}.yaml" for kind in ("servicemonitors", "podmonitors", "prometheusrules")
        ),
    ),
    Source(
        module="github.com/kedacore/keda/v2",
        folder="config/crd/bases",
        files=("keda.sh_scaledobjects.yaml", "keda.sh_*triggerauthentications.yaml"),
    ),
    Source(
        module="github.com/external-secrets/external-secrets",
        folder="config/crds/bases",
        files=("external-secrets.io_externalsecrets.yaml",),
    ),
    # Everything that Traefik watches: it serves none of these until all of them exist.
    Source(
        module="sigs.k8s.io/gateway-api",
        folder="config/crd/standard",
        files=tuple(
            f"gateway.networking.k8s.io_{kind}.yaml"
            for kind in (
                "gatewayclasses",
                "gateways",
                "httproutes",
                "grpcroutes",
                "tlsroutes",
                "referencegrants",
                "backendtlspolicies",
            )
        ),
    ),
)


def provide(cache: Path, progress: Progress, more: Sequence[Source] = ()) -> Path:
    """Return a folder of CustomResourceDefinition files; download the modules once per cache.

    Args:
        cache: Holds the folder.
        progress: Shows the download.
        more: Definitions that optional parts need in addition to those of every cluster.

    Raises:
        LocalError: if a module cannot be downloaded, or lacks a file.
    """
    sources = (*SOURCES, *more)
    target = cache / f"crds-{_key(sources)}"
    if target.is_dir():
        return target
    go = require_go(cache, progress)
    fresh = cache / f"{target.name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    with progress.step("download resource definitions", 5):
        for source in sources:
            command = [go.binary, "mod", "download", "-json", source.module]
            answer = json.loads(run(command, cwd=PINS, environment=go.environment()))
            for file in files_in(Path(answer["Dir"]), source):
                shutil.copyfile(file, fresh / file.name)
    fresh.rename(target)
    return target


def gateway(at: Addresses) -> str:
    """Return the cluster's Gateway as YAML; the API server must have its definitions."""
    return Template((PINS / "gateway.yaml").read_text("utf-8")).substitute(ingress=at.ports.ingress)


def files_in(module: Path, source: Source) -> list[Path]:
    """Return a source's files in the folder of its module; raise LocalError for a pattern that matches none."""
    found: list[Path] = []
    for pattern in source.files:
        matching = sorted((module / source.folder).glob(pattern))
        if not matching:
            raise LocalError(
                f"{source.module}: no file matches {source.folder}/{pattern}: it moved in the version of crds/go.mod"
            )
        found += matching
    return found


def _key(sources: Sequence[Source]) -> str:
    pins = [(PINS / name).read_text("utf-8") for name in ("go.mod", "go.sum")]
    return hashlib.sha256("\0".join((*pins, repr(sources))).encode()).hexdigest()[:16]
