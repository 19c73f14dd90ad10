"""The cluster's own certificate authority. Every certificate, key and kubeconfig is random and stays local."""

import datetime as dt
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local import addresses
from local.addresses import Addresses

VALIDITY = dt.timedelta(days=365)  # a local cluster is short-lived; `make down` and `make up` renew it


@dataclass(frozen=True)
class Leaf:
    """What one certificate says: Kubernetes reads the user from `name` and the groups from `groups`."""

    file: str
    name: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    authority: str = "ca"


AUTHORITIES = ("ca", "etcd-ca", "front-proxy-ca")  # separate, so that a cluster user passes for neither of the others
_WITH_KUBECONFIG = (
    "admin",
    "controller-manager",
    "scheduler",
    "kubelet",
    "proxy",
    "coredns",
    "traefik",
    "volume-provisioner",
    "prometheus",
    "prometheus-operator",
    "metrics-server",
    "prometheus-adapter",
    "keda-operator",
    "keda-metrics-apiserver",
)


def leaves(at: Addresses) -> tuple[Leaf, ...]:
    """Return every certificate of a cluster with these addresses."""
    api_hosts = (
        at.node_ip,
        at.api_service_ip,
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        f"kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
    )
    return (
        Leaf("apiserver", "kube-apiserver", hosts=api_hosts),
        Leaf("apiserver-kubelet", "kube-apiserver-kubelet", groups=("system:masters",)),
        Leaf("etcd", "etcd", hosts=(addresses.LOOPBACK,), authority="etcd-ca"),
        Leaf("etcd-client", "kube-apiserver", authority="etcd-ca"),
        Leaf("front-proxy", "front-proxy-client", authority="front-proxy-ca"),
        Leaf("kubelet-server", addresses.NODE_NAME, hosts=(at.node_ip, addresses.NODE_NAME)),
        Leaf("admin", "slipway:admin", groups=("system:masters",)),
        Leaf("probe", "slipway:probe", groups=("system:masters",)),
        Leaf("controller-manager", "system:kube-controller-manager"),
        Leaf("scheduler", "system:kube-scheduler"),
        Leaf("kubelet", f"system:node:{addresses.NODE_NAME}", groups=("system:nodes",)),
        Leaf("proxy", "system:kube-proxy"),
        Leaf("coredns", "slipway:coredns"),
        Leaf("traefik", "slipway:traefik"),
        Leaf("volume-provisioner", "slipway:volume-provisioner"),
        Leaf("prometheus", "slipway:prometheus"),
        Leaf("prometheus-operator", "slipway:prometheus-operator"),
        # Aggregated APIs: the API server calls them by their Services' names.
        Leaf("metrics-server", "slipway:metrics-server", hosts=("metrics-server.kube-system.svc", at.node_ip)),
        Leaf(
            "prometheus-adapter",
            "slipway:prometheus-adapter",
            hosts=("prometheus-adapter.kube-system.svc", at.node_ip),
        ),
        Leaf("keda-operator", "slipway:keda-operator"),
        Leaf(
            "keda-metrics-apiserver",
            "slipway:keda-metrics-apiserver",
            hosts=("keda-metrics-apiserver.keda.svc", at.node_ip),
        ),
        # Both ends of the connection between KEDA's two programs, which look for a pair with exactly this name.
        Leaf("tls", "slipway:keda", hosts=(addresses.LOOPBACK,)),
    )


def create(folder: Path, at: Addresses) -> None:
    """Write the missing certificates and kubeconfigs. Existing ones stay, so that a second `up` changes nothing.

    A cluster that an older version started gets new certificates from its existing authorities.
    """
    complete = folder / "complete"  # lists the written certificates; written last
    made = set(complete.read_text("utf-8").split()) if complete.exists() else set[str]()
    if not made:
        for name in AUTHORITIES:
            _write_pair(folder, name, *_authority(name))
        signing = ec.generate_private_key(ec.SECP256R1())
        write_private(folder / "service-account.key", _private_pem(signing))
        write_private(folder / "service-account.pub", _public_pem(signing))
    wanted = leaves(at)
    missing = [leaf for leaf in wanted if leaf.file not in made]
    for leaf in missing:
        key = ec.generate_private_key(ec.SECP256R1())
        _write_pair(folder, leaf.file, _issue(leaf, key, *_read_authority(folder, leaf.authority)), key)
        if leaf.file in _WITH_KUBECONFIG:
            write_private(folder / f"{leaf.file}.kubeconfig", _kubeconfig(folder, leaf.file, at))
    if missing:
        complete.write_text("\n".join(leaf.file for leaf in wanted), "utf-8")


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, and that never has other permissions in between."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def random_token() -> str:
    """Return 256 random bits as text."""
    return secrets.token_urlsafe(32)


def _authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"slipway-{name}")])
    builder = (
        _base(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
    )
    return builder.sign(key, hashes.SHA256()), key


def _read_authority(folder: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{folder / name}.key: an authority of this cluster must have an elliptic-curve key")
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes()), key


def _issue(
    leaf: Leaf, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Sign one leaf: always a client certificate, and a server certificate if it has hosts (etcd's peers need both)."""
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in leaf.groups]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, leaf.name)])
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if leaf.hosts else [])]
    builder = (
        _base(subject, issuer.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if leaf.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternative_names(leaf.hosts)), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _base(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _write_pair(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_private(folder / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    write_private(folder / f"{name}.key", _private_pem(key))


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    # Kubernetes' service-account code reads EC keys in the traditional form only.
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _kubeconfig(folder: Path, user: str, at: Addresses) -> bytes:
    """Return a kubeconfig that refers to the certificate files beside it, so that no key is stored twice."""
    cluster = {"server": at.api_url, "certificate-authority": str(folder / "ca.crt")}
    identity = {
        "client-certificate": str(folder / f"{user}.crt"),
        "client-key": str(folder / f"{user}.key"),
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": addresses.CONTEXT,
        "clusters": [{"name": addresses.CONTEXT, "cluster": cluster}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": addresses.CONTEXT, "context": {"cluster": addresses.CONTEXT, "user": user}}],
    }
    return yaml.safe_dump(content, sort_keys=False).encode()
