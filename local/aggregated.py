"""What serves an aggregated API beside the API server: its flags, and the objects that lead to it."""

import base64
from pathlib import Path
from string import Template

from local.paths import Paths

_MANIFESTS = Path(__file__).parent / "manifests/parts"


def filled(paths: Paths, manifest: str, **ports: int) -> str:
    """Return a part's manifest with the authority, the node's address, and the ports that it names."""
    authority = base64.b64encode((paths.pki / "ca.crt").read_bytes()).decode()
    return Template((_MANIFESTS / manifest).read_text()).substitute(
        authority=authority, node=paths.addresses.node_ip, **ports
    )


def serving(paths: Paths, name: str, port: int) -> tuple[str, ...]:
    """Return the flags that all have from Kubernetes' library for API servers."""
    kubeconfig = paths.pki / f"{name}.kubeconfig"
    return (
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={paths.addresses.node_ip}",
        f"--secure-port={port}",
        f"--tls-cert-file={paths.pki}/{name}.crt",
        f"--tls-private-key-file={paths.pki}/{name}.key",
    )
