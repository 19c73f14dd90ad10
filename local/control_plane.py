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
    return probes.http(addresses.API_URL + path, paths.pki / "probe", authority=paths.pki / "ca.crt")


def _etcd(paths: Paths) -> Daemon:
    pki, peer = paths.pki, f"https://{addresses.LOOPBACK}:{addresses.ETCD_PEER_PORT}"
    metrics = f"http://{addresses.LOOPBACK}:{addresses.ETCD_METRICS_PORT}"
    return Daemon(
        name="etcd",
        binary="etcd",
        arguments=(
            f"--name={addresses.NODE_NAME}",
            f"--data-dir={paths.state}/etcd",
            # A cluster that `make down` throws away may lose its last second in a power cut; fsync makes `up` slow.
            "--unsafe-no-fsync",
            f"--listen-client-urls={addresses.ETCD_URL}",
            f"--advertise-client-urls={addresses.ETCD_URL}",
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
        ports=tuple(
            Port(number=port) for port in (addresses.ETCD_PORT, addresses.ETCD_PEER_PORT, addresses.ETCD_METRICS_PORT)
        ),
    )


def _apiserver(paths: Paths) -> Daemon:
    pki, policy = paths.pki, paths.etc / "audit-policy.yaml"
    return Daemon(
        name="kube-apiserver",
        binary="kube-apiserver",
        needs=("etcd",),
        arguments=(
            f"--bind-address={addresses.NODE_IP}",
            f"--advertise-address={addresses.NODE_IP}",
            f"--secure-port={addresses.API_PORT}",
            f"--service-cluster-ip-range={addresses.SERVICE_RANGE}",
            *_etcd_client(pki),
            *_authentication(pki),
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",  # what a namespace may run is decided by PodSecurity, not here
            f"--kubelet-certificate-authority={pki}/ca.crt",
            f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={pki}/apiserver-kubelet.key",
            # The node's name resolves nowhere; without this, `kubectl logs` and `exec` fail.
            "--kubelet-preferred-address-types=InternalIP",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={paths.logs}/audit.jsonl",
            "--audit-log-mode=blocking",  # a write is in the log before its answer is out: tests count on it
            "--audit-log-maxsize=100",
            "--audit-log-maxbackup=3",
            "--profiling=false",
        ),
        probe=api_probe(paths),
        ports=(Port(number=addresses.API_PORT, address=addresses.NODE_IP),),
        files=(policy,),
        expected_seconds=8,
    )


def _etcd_client(pki: Path) -> tuple[str, ...]:
    return (
        f"--etcd-servers={addresses.ETCD_URL}",
        f"--etcd-cafile={pki}/etcd-ca.crt",
        f"--etcd-certfile={pki}/etcd-client.crt",
        f"--etcd-keyfile={pki}/etcd-client.key",
    )


def _authentication(pki: Path) -> tuple[str, ...]:
    """Return the flags that say whom the API server believes, incl. what aggregated APIs will need."""
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
    return Daemon(
        name="kube-controller-manager",
        binary="kube-controller-manager",
        needs=("kube-apiserver",),
        arguments=(
            *_loopback_component(paths, "controller-manager", addresses.CONTROLLER_PORT),
            f"--cluster-name={addresses.CONTEXT}",
            f"--root-ca-file={paths.pki}/ca.crt",
            f"--cluster-signing-cert-file={paths.pki}/ca.crt",
            f"--cluster-signing-key-file={paths.pki}/ca.key",
            f"--service-account-private-key-file={paths.pki}/service-account.key",
            "--use-service-account-credentials=true",
            "--horizontal-pod-autoscaler-sync-period=5s",  # a release waits for it to scale a slot; 15 s by default
        ),
        probe=probes.http(f"https://{addresses.LOOPBACK}:{addresses.CONTROLLER_PORT}/healthz"),
        ports=(Port(number=addresses.CONTROLLER_PORT),),
    )


def _scheduler(paths: Paths) -> Daemon:
    return Daemon(
        name="kube-scheduler",
        binary="kube-scheduler",
        needs=("kube-apiserver",),
        arguments=_loopback_component(paths, "scheduler", addresses.SCHEDULER_PORT),
        probe=probes.http(f"https://{addresses.LOOPBACK}:{addresses.SCHEDULER_PORT}/healthz"),
        ports=(Port(number=addresses.SCHEDULER_PORT),),
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
        "--leader-elect=false",  # there is one of each
        "--profiling=false",
    )
