"""The Ingresses of a service, and the annotations by which nginx-compatible proxies treat its requests.

Semantics: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/ as ingress-nginx and
Traefik (3.7, provider kubernetesIngressNGINX) honour them. Both take everything but the split itself from the main
Ingress, so a canary repeats nothing.
"""

from decimal import ROUND_CEILING
from typing import TYPE_CHECKING

from components.manifests.pod import PORT_NAME
from models.quantity import parse
from models.release import ServiceRelease
from models.routing import RateLimit, Route, Session

if TYPE_CHECKING:
    from pulumi_kubernetes.networking.v1 import IngressSpecArgsDict

_PREFIX = "nginx.ingress.kubernetes.io/"
_ISSUER = "cert-manager.io/cluster-issuer"


def ingress_spec(
    *, route: Route, hosts: tuple[str, ...], backend: str, ingress_class: str, certified: tuple[str, ...] = ()
) -> "IngressSpecArgsDict":
    """Route the service's path on these hosts to one Service; ``certified`` are the hosts whose TLS ends here."""
    described: IngressSpecArgsDict = {
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
    if route.tls and certified:
        described["tls"] = [{"hosts": list(certified), "secret_name": route.tls.secret}]
    return described


def issuer_annotations(route: Route) -> dict[str, str]:
    """Have cert-manager fill the TLS Secret. On one Ingress of a service only: a second one would fight over it."""
    return {_ISSUER: route.tls.issuer} if route.tls and route.tls.issuer else {}


def route_annotations(route: Route) -> dict[str, str]:
    """Say how the proxy treats requests on the route's hosts, whichever slot answers them.

    The entry's own annotations go first: where both speak of one thing, the blocks that tests and docs describe win.
    """
    annotations: dict[str, str] = {}
    if route.rate_limit:
        annotations |= _rate_limit(route.rate_limit)
    if route.session:
        annotations |= _session(route.session)
    if route.max_body:
        # Whole bytes: nginx's own units are not Kubernetes' (8m is 8Mi), and Traefik ignores what it cannot parse. It
        # also checks sizes only where it buffers, which ingress-nginx does by default. More is answered 413.
        size = int(parse(route.max_body).to_integral_value(ROUND_CEILING))
        annotations |= {"proxy-body-size": str(size), "proxy-request-buffering": "on"}
    if route.timeout is not None:
        # Seconds without a unit, between two reads (or writes): an answer that trickles may take longer. Then 504.
        annotations |= {"proxy-read-timeout": str(route.timeout), "proxy-send-timeout": str(route.timeout)}
    return {**route.annotations, **{f"{_PREFIX}{key}": value for key, value in annotations.items()}}


def _rate_limit(limit: RateLimit) -> dict[str, str]:
    """Limit each client address in each replica of the proxy.

    Traefik answers 429. ingress-nginx answers 503 unless its ConfigMap says ``limit-req-status-code: "429"``. Traefik
    counts requests that a header or cookie sends to the canary apart from the others.
    """
    return {"limit-rps": str(limit.per_second), "limit-burst-multiplier": str(limit.burst)}


def _session(session: Session) -> dict[str, str]:
    """Keep a client with one pod by a cookie, and with the version that answered it first.

    Traefik keeps the version in a second cookie, ``<name>-wrr``. A canary's header or cookie goes before the session in
    Traefik; in ingress-nginx the session goes first.
    """
    annotations = {"affinity": "cookie", "session-cookie-name": session.cookie}
    if session.max_age:  # nginx takes 0 for a cookie that is over at once
        annotations["session-cookie-max-age"] = str(session.max_age)
    return annotations


def canary_annotations(release: ServiceRelease, session: Session | None = None) -> dict[str, str]:
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
    if session:
        # ingress-nginx's default, said aloud; Traefik knows no other.
        annotations["affinity-canary-behavior"] = "sticky"
    return {f"{_PREFIX}{key}": value for key, value in annotations.items()}
