"""The node's own daemons, and those that serve builds and traffic, as rows of the table of daemons."""

from local import addresses, probes
from local.daemon import Daemon, Port
from local.paths import Paths

# Seconds. The model server's buckets (serving/telemetry/metrics.py), so that one limit can be queried from both.
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.23, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return containerd, the kubelet, kube-proxy, CoreDNS, the registry, BuildKit and Traefik."""
    return (
        _registry(paths),
        _containerd(paths),
        _kubelet(paths),
        _kube_proxy(paths),
        _coredns(paths),
        _buildkitd(paths),
        _traefik(paths),
    )


def _registry(paths: Paths) -> Daemon:
    at = paths.addresses
    config, secret = paths.etc / "registry.yaml", paths.etc / "registry-secret"
    return Daemon(
        name="registry",
        binary="registry",
        arguments=("serve", str(config)),
        probe=probes.http(f"{at.registry_url}/v2/"),
        ports=(Port(number=at.ports.registry),),
        files=(config,),
        # By default it exports traces to a port of this machine that is not ours.
        environment={"REGISTRY_HTTP_SECRET": secret.read_text("utf-8"), "OTEL_TRACES_EXPORTER": "none"},
    )


def _containerd(paths: Paths) -> Daemon:
    config = paths.etc / "containerd.toml"
    return Daemon(
        name="containerd",
        binary="containerd",
        arguments=(f"--config={config}", "--log-level=warn"),
        probe=probes.unix_socket(paths.containerd_socket),
        files=(config,),
    )


def _kubelet(paths: Paths) -> Daemon:
    at = paths.addresses
    config = paths.etc / "kubelet.yaml"
    return Daemon(
        name="kubelet",
        binary="kubelet",
        needs=("kube-apiserver", "containerd"),
        arguments=(
            f"--config={config}",
            f"--kubeconfig={paths.pki}/kubelet.kubeconfig",
            f"--root-dir={paths.state}/kubelet",
            f"--hostname-override={addresses.NODE_NAME}",
            f"--node-ip={at.node_ip}",
        ),
        probe=probes.http(f"http://{addresses.LOOPBACK}:{at.ports.kubelet_health}/healthz"),
        ports=(
            Port(number=at.ports.kubelet, address=at.node_ip),
            Port(number=at.ports.kubelet_health),
        ),
        files=(config, paths.etc / "resolv.conf", paths.etc / "cni/10-slipway.conflist"),
    )


def _kube_proxy(paths: Paths) -> Daemon:
    at = paths.addresses
    config = paths.etc / "kube-proxy.yaml"
    return Daemon(
        name="kube-proxy",
        binary="kube-proxy",
        needs=("kube-apiserver", "kubelet"),  # it reads its node's addresses
        arguments=(f"--config={config}",),
        probe=probes.http(f"http://{addresses.LOOPBACK}:{at.ports.proxy_health}/healthz"),
        ports=(Port(number=at.ports.proxy_metrics), Port(number=at.ports.proxy_health)),
        files=(config,),
    )


def _coredns(paths: Paths) -> Daemon:
    at = paths.addresses
    config = paths.etc / "Corefile"
    return Daemon(
        name="coredns",
        binary="coredns",
        needs=("kube-apiserver", "cluster-objects"),
        arguments=(f"-conf={config}",),
        probe=probes.http(f"http://{addresses.LOOPBACK}:{at.ports.dns_ready}/ready"),
        ports=(
            Port(number=addresses.DNS_PORT, address=at.node_ip),
            Port(number=at.ports.dns_health),
            Port(number=at.ports.dns_ready),
        ),
        files=(config,),
    )


def _buildkitd(paths: Paths) -> Daemon:
    config, home = paths.etc / "buildkitd.toml", paths.state / "buildkit"
    return Daemon(
        name="buildkitd",
        binary="buildkitd",
        arguments=(
            f"--config={config}",
            f"--root={home}",
            f"--addr=unix://{paths.buildkit_socket}",
            f"--otel-socket-path={home}/otel.sock",
            "--containerd-worker=false",
            "--oci-worker=true",
            "--oci-worker-binary=runc",
            "--oci-worker-snapshotter=overlayfs",
            "--oci-worker-net=host",  # no CNI: a RUN step uses this machine's network, as with `docker build`
            "--cdi-disabled=true",
        ),
        probe=probes.unix_socket(paths.buildkit_socket),
        files=(config,),
    )


def _traefik(paths: Paths) -> Daemon:
    at = paths.addresses
    nginx, gateway = "--providers.kubernetesingressnginx", "--providers.kubernetesgateway"
    return Daemon(
        name="traefik",
        binary="traefik",
        needs=("kube-apiserver", "cluster-objects", "resource-definitions"),
        arguments=(
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            f"--entrypoints.web.address={addresses.LOOPBACK}:{at.ports.ingress}",
            f"--entrypoints.metrics.address={addresses.LOOPBACK}:{at.ports.traefik}",
            "--ping=true",
            "--ping.entrypoint=metrics",
            "--metrics.prometheus=true",
            "--metrics.prometheus.entrypoint=metrics",
            "--metrics.prometheus.addserviceslabels=true",
            f"--metrics.prometheus.buckets={','.join(map(str, LATENCY_BUCKETS))}",
            f"{nginx}=true",
            f"{nginx}.ingressclass={addresses.INGRESS_CLASS}",
            f"{nginx}.publishstatusaddress={addresses.LOOPBACK}",
            # The read timeout starts when a kept-alive connection becomes idle, so a request on a connection that was
            # idle for long is cut off early (measured: 504 after 0.2 s of 2). So none is idle for more than a second.
            f"{nginx}.upstreamkeepalivetimeout=1",
            f"{gateway}=true",
            f"{gateway}.statusaddress.ip={addresses.LOOPBACK}",
            # A new weight takes effect after 0.09 to 0.21 s; with the default, after 2 s.
            "--providers.providersthrottleduration=200ms",
            "--log.level=WARN",
            "--log.nocolor=true",
        ),
        probe=probes.http(f"{at.traefik_url}/ping"),
        ports=(Port(number=at.ports.ingress), Port(number=at.ports.traefik)),
        environment={"KUBECONFIG": str(paths.pki / "traefik.kubeconfig")},
    )
