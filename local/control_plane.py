"""etcd and the Kubernetes control plane, as rows of the table of daemons."""

from pathlib import Path

from local import addresses, probes
from local.daemon import Daemon, Port
from local.paths import Paths


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return etcd, the API server, the controllers and the scheduler."""
    return (_etcd(paths), _apiserver(paths), _controller_manager(paths), _scheduler(paths))


def api_probe(paths: Paths, path: str = "/readyz") -> probes.Probe:
    """Return a probe of a path of the API server."""
    at = paths.addresses
    return probes.http(at.api_url + path, paths.pki / "probe", authority=paths.pki / "ca.crt")


def _etcd(paths: Paths) -> Daemon:
    at = paths.addresses
    pki, peer = paths.pki, f"https://{addresses.LOOPBACK}:{at.ports.etcd_peer}"
    metrics = f"http://{addresses.LOOPBACK}:{at.ports.etcd_metrics}"
    return Daemon(
        name="etcd",
        binary="etcd",
        arguments=(
            f"--name={addresses.NODE_NAME}",
            f"--data-dir={paths.state}/etcd",
            # fsync makes `up` slow. A disposable cluster may lose its last second in a power cut.
            "--unsafe-no-fsync",
            f"--listen-client-urls={at.etcd_url}",
            f"--advertise-client-urls={at.etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster={addresses.NODE_NAME}={peer}",
            f"--listen-metrics-urls={metrics}",
            *(
                f"--{prefix}{flag}={value}"
                for prefix in ("", "peer-")
                for flag, value in (
                    ("cert-file", pki / "etcd.crt"),
                    ("key-file", pki / "etcd.key"),
                    ("trusted-ca-file", pki / "etcd-ca.crt"),
                    ("client-cert-auth", "true"),
                )
            ),
            "--log-level=warn",
        ),
        probe=probes.http(f"{metrics}/readyz"),
        ports=tuple(Port(number=port) for port in (at.ports.etcd, at.ports.etcd_peer, at.ports.etcd_metrics)),
    )


def _apiserver(paths: Paths) -> Daemon:
    at = paths.addresses
    pki, policy = paths.pki, paths.etc / "audit-policy.yaml"
    return Daemon(
        name="kube-apiserver",
        binary="kube-apiserver",
        needs=("etcd",),
        arguments=(
            f"--bind-address={at.node_ip}",
            f"--advertise-address={at.node_ip}",
            f"--secure-port={at.ports.api}",
            f"--service-cluster-ip-range={at.services}",
            *_etcd_client(pki, at.etcd_url),
            *_authentication(pki),
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",  # PodSecurity decides what a namespace may run, not this flag
            f"--kubelet-certificate-authority={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet.key",
            # The node's name does not resolve. Without this flag, `kubectl logs` and `exec` fail.
            "--kubelet-preferred-address-types=InternalIP",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={paths.logs}/audit.jsonl",
            "--audit-log-mode=blocking",  # a write is logged before it is answered: tests rely on it
            "--audit-log-maxsize=100",
            "--audit-log-maxbackup=3",
            "--profiling=false",
        ),
        probe=api_probe(paths),
        ports=(Port(number=at.ports.api, address=at.node_ip),),
        files=(policy,),
        expected_seconds=8,
    )


def _etcd_client(pki: Path, url: str) -> tuple[str, ...]:
    return (
        f"--etcd-servers={url}",
        f"--etcd-cafile={pki}/etcd-ca.crt",
        f"--etcd-certfile={pki}/etcd-client.crt",
        f"--etcd-keyfile={pki}/etcd-client.key",
    )


def _authentication(pki: Path) -> tuple[str, ...]:
    """Return the API server's authentication flags, including those for aggregated APIs."""
    return (
        "--anonymous-auth=false",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--service-account-issuer=https://kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
        f"--service-account-key-file={pki}/service-account.pub",
        f"--service-account-signing-key-file={pki}/service-account.key",
        f"--requestheader-client-ca-file={pki}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
    )


def _controller_manager(paths: Paths) -> Daemon:
    at = paths.addresses
    return Daemon(
        name="kube-controller-manager",
        binary="kube-controller-manager",
        needs=("kube-apiserver",),
        arguments=(
            *_loopback_component(paths, "controller-manager", at.ports.controller_manager),
            f"--cluster-name={addresses.CONTEXT}",
            f"--root-ca-file={paths.pki}/ca.crt",
            f"--cluster-signing-cert-file={paths.pki}/ca.crt",
            f"--cluster-signing-key-file={paths.pki}/ca.key",
            f"--service-account-private-key-file={paths.pki}/service-account.key",
            "--use-service-account-credentials=true",
            "--horizontal-pod-autoscaler-sync-period=5s",  # default: 15 s; a release waits for the HPA to scale a slot
        ),
        probe=probes.http(f"https://{addresses.LOOPBACK}:{at.ports.controller_manager}/healthz"),
        ports=(Port(number=at.ports.controller_manager),),
    )


def _scheduler(paths: Paths) -> Daemon:
    at = paths.addresses
    return Daemon(
        name="kube-scheduler",
        binary="kube-scheduler",
        needs=("kube-apiserver",),
        arguments=_loopback_component(paths, "scheduler", at.ports.scheduler),
        probe=probes.http(f"https://{addresses.LOOPBACK}:{at.ports.scheduler}/healthz"),
        ports=(Port(number=at.ports.scheduler),),
    )


def _loopback_component(paths: Paths, user: str, port: int) -> tuple[str, ...]:
    kubeconfig = paths.pki / f"{user}.kubeconfig"
    return (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={addresses.LOOPBACK}",
        f"--secure-port={port}",
        f"--cert-dir={paths.state}/{user}",
        "--leader-elect=false",  # there is only one of each
        "--profiling=false",
    )
