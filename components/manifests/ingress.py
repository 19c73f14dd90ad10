"""The Ingresses of a service, and the annotations by which nginx-compatible proxies split requests.

Semantics: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
"""

from typing import TYPE_CHECKING

from components.manifests.pod import PORT_NAME
from models.release import ServiceRelease
from models.routing import Route

if TYPE_CHECKING:
    from pulumi_kubernetes.networking.v1 import IngressSpecArgsDict

_PREFIX = "nginx.ingress.kubernetes.io/"


def ingress_spec(*, route: Route, hosts: tuple[str, ...], backend: str, ingress_class: str) -> "IngressSpecArgsDict":
    """Route the service's path on these hosts to one Service."""
    return {
        "ingress_class_name": ingress_class,
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": route.path,
                            "path_type": route.path_type,
                            "backend": {"service": {"name": backend, "port": {"name": PORT_NAME}}},
                        }
                    ]
                },
            }
            for host in hosts
        ],
    }


def canary_annotations(release: ServiceRelease) -> dict[str, str]:
    """Say which requests the other slot answers. Header goes before cookie, cookie before weight."""
    annotations = {"canary": "true", "canary-weight": str(release.weight)}
    if header := release.match.header:
        annotations["canary-by-header"] = header.name
        if header.value is not None:
            annotations["canary-by-header-value"] = header.value
        if header.pattern is not None:
            annotations["canary-by-header-pattern"] = header.pattern
    if release.match.cookie is not None:
        annotations["canary-by-cookie"] = release.match.cookie
    return {f"{_PREFIX}{key}": value for key, value in annotations.items()}
