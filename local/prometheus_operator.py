"""Part `monitoring`: the operator that acts on ServiceMonitors and PrometheusRules, as with kube-prometheus-stack.

The Prometheus operator runs beside the API server. The Prometheus that it creates is a pod, which scrapes what stacks
select and evaluates their alerts. The other Prometheus (local/monitoring.py), which release gates read, stays as it is.
"""

from pathlib import Path
from string import Template

from local import addresses, images, probes
from local.addresses import Addresses
from local.daemon import Daemon, Port
from local.definitions import Source
from local.paths import Paths
from local.toolchain.build import Toolchain
from local.toolchain.groups import PROMETHEUS_RELEASE, group_of

NAMESPACE = "monitoring"  # default of `slipway:cluster.monitoringNamespace`; the systems' NetworkPolicies admit it
NAME = "slipway"  # the Prometheus resource's name
# The operator's controller waits for both, although nothing here uses a Probe.
DEFINITIONS = (
    Source(
        module="github.com/prometheus-operator/prometheus-operator",
        folder="example/prometheus-operator-crd",
        files=("monitoring.coreos.com_prometheuses.yaml", "monitoring.coreos.com_probes.yaml"),
    ),
)
_OPERATOR, _SERVER, _RELOADER = "prometheus-operator", "prometheus", "prometheus-config-reloader"
_RELOADER_VERSION = group_of(_RELOADER).version
_MANIFESTS = Path(__file__).parent / "manifests/parts"


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return the operator."""
    at = paths.addresses
    return (
        Daemon(
            name=_OPERATOR,
            binary=_OPERATOR,
            needs=("kube-apiserver", "cluster-objects", "resource-definitions"),  # it looks for definitions only once
            arguments=(
                f"-web.listen-address={addresses.LOOPBACK}:{at.ports.prometheus_operator}",
                f"-prometheus-config-reloader={_image(at, _RELOADER, _RELOADER_VERSION)}",
                f"-prometheus-instance-namespaces={NAMESPACE}",
                "-log-level=warn",
            ),
            environment={"KUBECONFIG": str(paths.pki / f"{_OPERATOR}.kubeconfig")},
            probe=probes.http(f"http://{addresses.LOOPBACK}:{at.ports.prometheus_operator}/healthz"),
            ports=(Port(number=at.ports.prometheus_operator),),
        ),
    )


def objects(paths: Paths) -> str:
    """Return the objects that the operator and its Prometheus need, as YAML: a namespace and their rights."""
    return _filled(paths.addresses, "monitoring.yaml")


def dependents(paths: Paths) -> str:
    """Return the Prometheus that the operator creates, as YAML."""
    return _filled(paths.addresses, "monitoring-prometheus.yaml")


def seed_images(paths: Paths, toolchain: Toolchain) -> None:
    """Push the images of the Prometheus pod. Each holds only a program, because the programs are static."""
    for name, version in ((_SERVER, PROMETHEUS_RELEASE), (_RELOADER, _RELOADER_VERSION)):
        images.seed_program(paths, toolchain.wait(name), f"bin/{name}", repository=name, tag=version)


def _filled(at: Addresses, manifest: str) -> str:
    return Template((_MANIFESTS / manifest).read_text("utf-8")).substitute(
        namespace=NAMESPACE, name=NAME, image=_image(at, _SERVER, PROMETHEUS_RELEASE), version=PROMETHEUS_RELEASE
    )


def _image(at: Addresses, repository: str, version: str) -> str:
    return f"{at.registry}/{repository}:{version}"
