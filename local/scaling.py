"""Part `scaling`: the metrics that HPAs read. metrics-server serves CPU and memory, prometheus-adapter all others.

Both serve aggregated APIs and run beside the API server, which reaches them through Services without selectors.
"""

from local import aggregated, probes
from local.daemon import Daemon, Port
from local.paths import Paths

RULES = "adapter-rules.yaml"  # below `etc/`; joined from the systems' ConfigMaps


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return metrics-server, and the program that runs prometheus-adapter with the systems' rules."""
    return (_metrics_server(paths), _prometheus_adapter(paths))


def objects(paths: Paths) -> str:
    """Return the objects that the daemons need, as YAML: their rights, and Services that lead to them."""
    return _filled(paths, "scaling.yaml")


def apis(paths: Paths) -> str:
    """Return the objects that need the daemons, as YAML: the aggregated APIs."""
    return _filled(paths, "scaling-apis.yaml")


def _filled(paths: Paths, manifest: str) -> str:
    at = paths.addresses
    return aggregated.filled(
        paths,
        manifest,
        metrics_server=at.ports.metrics_server,
        prometheus_adapter=at.ports.prometheus_adapter,
    )


def _metrics_server(paths: Paths) -> Daemon:
    at = paths.addresses
    name, port = "metrics-server", at.ports.metrics_server
    return Daemon(
        name=name,
        binary=name,
        needs=("kube-apiserver", "cluster-objects", "kube-proxy"),
        arguments=(
            f"--kubeconfig={paths.pki}/{name}.kubeconfig",
            *aggregated.serving(paths, name, port),
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-certificate-authority={paths.pki}/ca.crt",
            "--metric-resolution=10s",  # the minimum; 60 s by default
            "--kubelet-request-timeout=5s",  # must be less than the resolution
        ),
        # Liveness, not readiness: it is ready only after it has read the node twice. HPAs wait for that; `up` need not.
        probe=probes.http(f"https://{at.node_ip}:{port}/livez", authority=paths.pki / "ca.crt"),
        ports=(Port(number=port, address=at.node_ip),),
    )


def _prometheus_adapter(paths: Paths) -> Daemon:
    at = paths.addresses
    name, port = "prometheus-adapter", at.ports.prometheus_adapter
    return Daemon(
        name=name,
        binary="adapter-rules",
        needs=("kube-apiserver", "cluster-objects", "kube-proxy", "prometheus"),
        arguments=(
            f"-kubeconfig={paths.pki}/{name}.kubeconfig",
            f"-config={paths.etc / RULES}",
            "--",
            f"--lister-kubeconfig={paths.pki}/{name}.kubeconfig",
            *aggregated.serving(paths, name, port),
            f"--prometheus-url={at.prometheus_url}",
            "--metrics-relist-interval=5s",  # default: 10 min; a new system's metrics are found sooner
            "--metrics-max-age=1m",
        ),
        probe=probes.http(f"https://{at.node_ip}:{port}/healthz", authority=paths.pki / "ca.crt"),
        ports=(Port(number=port, address=at.node_ip),),
    )
