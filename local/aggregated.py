"""The flags and manifests of daemons that serve an aggregated API beside the API server."""

import base64
from pathlib import Path
from string import Template

from local.paths import Paths

_MANIFESTS = Path(__file__).parent / "manifests/parts"


def filled(paths: Paths, manifest: str, **ports: int) -> str:
    """Return a part's manifest, filled with the certificate authority, the node's address and the given ports."""
    authority = base64.b64encode((paths.pki / "ca.crt").read_bytes()).decode()
    return Template((_MANIFESTS / manifest).read_text("utf-8")).substitute(
        authority=authority, node=paths.addresses.node_ip, **ports
    )


def serving(paths: Paths, name: str, port: int) -> tuple[str, ...]:
    """Return the flags that all such daemons inherit from Kubernetes' API server library."""
    kubeconfig = paths.pki / f"{name}.kubeconfig"
    return (
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={paths.addresses.node_ip}",
        f"--secure-port={port}",
        f"--tls-cert-file={paths.pki}/{name}.crt",
        f"--tls-private-key-file={paths.pki}/{name}.key",
    )
