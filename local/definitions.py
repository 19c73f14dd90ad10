"""Resource definitions that stacks use, taken from the Go modules that publish them; `crds/go.sum` pins these.

Traefik acts on the Gateway API's, part `keda` on KEDA's, part `monitoring` on the Prometheus operator's, nobody on the
others: the API server stores and validates what a stack writes, as in a cluster with the operators.
What only an operator's own installation uses (Prometheus, SecretStore) is left out: 5 MB that each `up` would apply.
What the parts watch beside (0.7 and 0.9 MB) comes with them.
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
    # All that Traefik watches: it waits for each of them before it serves any.
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
    """Return a folder of CustomResourceDefinition files; downloads the modules once per cache.

    Args:
        cache: Holds the folder.
        progress: Shows the download.
        more: What optional parts need beside what every cluster has.

    Raises:
        LocalError: for a module that is not to be had, or has no such file.
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
    """Return the cluster's Gateway as YAML; its definitions must be there."""
    return Template((PINS / "gateway.yaml").read_text()).substitute(ingress=at.ports.ingress)


def files_in(module: Path, source: Source) -> list[Path]:
    """Return a source's files in the folder of its module; raises LocalError for a pattern that fits none."""
    found: list[Path] = []
    for pattern in source.files:
        matching = sorted((module / source.folder).glob(pattern))
        if not matching:
            raise LocalError(
                f"{source.module}: no file {source.folder}/{pattern}: it moved in the version of crds/go.mod"
            )
        found += matching
    return found


def _key(sources: Sequence[Source]) -> str:
    pins = [(PINS / name).read_text() for name in ("go.mod", "go.sum")]
    return hashlib.sha256("\0".join((*pins, repr(sources))).encode()).hexdigest()[:16]
