"""Part `keda`: KEDA's operator and its metrics adapter. KEDA scales between 0 and 1 pod, and an HPA above that.

KEDA's admission webhooks are left out: the models refuse what the webhooks would refuse (models/scaling.py).
"""

from local import addresses, aggregated, configs, probes
from local.daemon import Daemon, Port
from local.definitions import Source
from local.paths import Paths

NAMESPACE = "keda"  # as stack files name it: `slipway:cluster.kedaNamespace`
# The operator also watches these, and does not start without them.
DEFINITIONS = (
    Source(
        module="github.com/kedacore/keda/v2",
        folder="config/crd/bases",
        files=("keda.sh_scaledjobs.yaml", "eventing.keda.sh_*cloudeventsources.yaml"),
    ),
)
_OPERATOR, _ADAPTER = "keda-operator", "keda-metrics-apiserver"
_ENVIRONMENT = {"WATCH_NAMESPACE": "", "POD_NAMESPACE": NAMESPACE, "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE}


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return the operator, and the adapter that asks it for the HPAs' metrics."""
    return (_operator(paths), _adapter(paths))


def objects(paths: Paths) -> str:
    """Return the objects that the daemons need, as YAML: a namespace, their rights, and a Service for the adapter."""
    return aggregated.filled(paths, "keda.yaml", adapter=paths.addresses.ports.keda_adapter)


def apis(paths: Paths) -> str:
    """Return the objects that need the daemons, as YAML: the aggregated API."""
    return aggregated.filled(paths, "keda-apis.yaml")


def _operator(paths: Paths) -> Daemon:
    at = paths.addresses
    health = f"{addresses.LOOPBACK}:{at.ports.keda_health}"
    return Daemon(
        name=_OPERATOR,
        binary="keda-operator",
        # The operator queries triggers' sources by their Services' addresses and names.
        needs=("kube-apiserver", "cluster-objects", "resource-definitions", "kube-proxy", "coredns"),
        arguments=(
            f"--kubeconfig={paths.pki}/{_OPERATOR}.kubeconfig",
            f"--health-probe-bind-address={health}",
            f"--metrics-service-bind-address={addresses.LOOPBACK}:{at.ports.keda_operator}",
            f"--cert-dir={paths.pki}",  # the operator reads ca.crt, tls.crt and tls.key there
            "--enable-prometheus-metrics=false",
            "--zap-encoder=console",
            "--zap-time-encoding=rfc3339",
        ),
        probe=probes.http(f"http://{health}/readyz"),
        ports=(Port(number=at.ports.keda_health), Port(number=at.ports.keda_operator)),
        resolver=paths.etc / configs.CLUSTER_RESOLVER,
        environment=_ENVIRONMENT,
    )


def _adapter(paths: Paths) -> Daemon:
    at = paths.addresses
    kubeconfig, port = paths.pki / f"{_ADAPTER}.kubeconfig", at.ports.keda_adapter
    return Daemon(
        name=_ADAPTER,
        binary="keda-adapter",
        needs=("kube-apiserver", "cluster-objects", "kube-proxy", _OPERATOR),
        arguments=(
            f"--kubeconfig={kubeconfig}",
            f"--lister-kubeconfig={kubeconfig}",
            *aggregated.serving(paths, _ADAPTER, port),
            f"--cert-dir={paths.pki}",  # for the connection to the operator, as in `_operator`
            f"--metrics-service-address={addresses.LOOPBACK}:{at.ports.keda_operator}",
            f"--port={at.ports.keda_adapter_metrics}",  # its own metrics; on loopback (toolchain/README.md)
            "--zap-encoder=console",
            "--zap-log-level=error",
        ),
        probe=probes.http(f"https://{at.node_ip}:{port}/readyz", authority=paths.pki / "ca.crt"),
        ports=(Port(number=port, address=at.node_ip), Port(number=at.ports.keda_adapter_metrics)),
        environment=_ENVIRONMENT,
    )
