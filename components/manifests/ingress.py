"""The Ingresses of a service, and the annotations by which nginx-compatible proxies treat its requests.

Semantics: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/ as ingress-nginx and
Traefik (3.7, provider kubernetesIngressNGINX) honour them. Both take everything but the split itself from the main
Ingress, so a canary repeats nothing.

The main Ingress names the live slot's *private* Service. Proxies attach a canary to the Service of the main rule,
so a Service shared with other hosts would leak the canary to them; those hosts get the live Service instead.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING
from typing import TYPE_CHECKING

from components import names
from components.manifests.entrance import Entrance
from components.manifests.pod import PORT_NAME
from components.manifests.retries import retry_annotations
from models.cluster import ClusterSettings
from models.quantity import parse
from models.release import Match, ServiceRelease
from models.routing import RateLimit, Route, Session
from models.service import ServiceSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.networking.v1 import IngressSpecArgsDict

PREFIX = "nginx.ingress.kubernetes.io/"
_ISSUER = "cert-manager.io/cluster-issuer"


def entrances(service: str, spec: ServiceSpec, release: ServiceRelease, cluster: ClusterSettings) -> Iterator[Entrance]:
    """Return the Ingresses of a service: main, stable hosts, and the canary, which is to be written after the main one.

    At a promotion the main Ingress turns to the slot that gets all requests already; a canary that turned first would
    send them all back to the old one.
    """
    route, live, canary = spec.route, release.live, release.canary
    if route is None:
        return
    # ingress-nginx counts a request once, by its last try: repeated, what a canary lost would be in no count.
    uncounted = release.canary is not None and cluster.proxy_metrics == "ingress-nginx"
    treated = route_annotations(route, pods=spec.scaling.floor, only_unbegun=uncounted)
    yield Entrance(
        role="main",
        name=service,
        slots=(live,),
        annotations={**treated, **issuer_annotations(route)},
        spec=ingress_spec(
            route=route,
            hosts=(route.host,),
            backend=names.slot_name(service, live),
            ingress_class=cluster.ingress_class,
            certified=(route.host, *route.stable_hosts),  # one certificate for all, asked for here
        ),
    )
    if route.stable_hosts:
        yield Entrance(
            role="stable",
            name=names.stable_name(service),
            slots=(live,),
            annotations=treated,
            spec=ingress_spec(
                route=route,
                hosts=route.stable_hosts,
                backend=service,
                ingress_class=cluster.ingress_class,
                certified=route.stable_hosts,
            ),
        )
    if canary is not None:
        backend, ingress_class = names.slot_name(service, canary), cluster.ingress_class
        yield Entrance(
            role="canary",
            name=names.canary_name(service),
            slots=(canary,),
            annotations=canary_annotations(release, route.session),
            spec=ingress_spec(route=route, hosts=(route.host,), backend=backend, ingress_class=ingress_class),
        )


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


def route_annotations(route: Route, *, pods: int, only_unbegun: bool = False) -> dict[str, str]:
    """Say how the proxy treats requests on the route's hosts, whichever slot answers them.

    The entry's own annotations go first: where both speak of one thing, the blocks that tests and docs describe win.
    Retries that nobody asked for are no such block.

    Args:
        route: The route.
        pods: The fewest that a slot has.
        only_unbegun: Repeat no request that a pod has begun, whatever the route says.
    """
    repeated = retry_annotations(route, pods=pods, only_unbegun=only_unbegun)
    annotations: dict[str, str] = {} if route.retries is None else repeated
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
    return {**_nginx(repeated), **route.annotations, **_nginx(annotations)}


def _nginx(annotations: Mapping[str, str]) -> dict[str, str]:
    return {f"{PREFIX}{key}": value for key, value in annotations.items()}


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
        # Sticky: a client stays with its slot. ingress-nginx would keep it there when the slot gets nothing any more,
        # too; legacy ends that. Traefik does both by itself, and reads neither word.
        asked = release.weight > 0 or release.match != Match()
        annotations["affinity-canary-behavior"] = "sticky" if asked else "legacy"
    return _nginx(annotations)
