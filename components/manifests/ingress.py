"""The Ingresses of a service, and their annotations for nginx-compatible proxies.

Semantics: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/ as ingress-nginx and
Traefik (3.7, provider kubernetesIngressNGINX) implement them. Both take everything except the split itself from the
main Ingress, so the canary Ingress repeats nothing.

The main Ingress names the live slot's *private* Service. Proxies attach a canary to the Service of the main rule, so a
Service that is shared with the stable hosts would expose the canary to them. The stable hosts use the live Service.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING

from components import names
from components.manifests.manifest import Json
from components.manifests.pod import PORT_NAME
from components.manifests.retries import retry_annotations
from components.manifests.route_object import RouteObject, answer_limit
from models.cluster import ClusterSettings
from models.protocol import HTTP2
from models.quantity import parse
from models.release import Match, ServiceRelease
from models.routing import RateLimit, Route, Session
from models.service import ServiceSpec

PREFIX = "nginx.ingress.kubernetes.io/"
_ISSUER = "cert-manager.io/cluster-issuer"


def route_objects(
    service: str, spec: ServiceSpec, release: ServiceRelease, cluster: ClusterSettings, longest: int
) -> Iterator[RouteObject]:
    """Yield the Ingresses of a service: main, stable and canary. The canary must be written after the main one.

    At a promotion, the main Ingress switches to the slot that already gets all requests. If the canary switched first,
    it would send all requests back to the old slot.
    """
    route, live, canary, ingress_class = spec.route, release.live, release.canary, cluster.ingress_class
    if route is None:
        return
    # ingress-nginx counts a request once, by its last try. A retry would hide the requests that a canary lost.
    uncounted = release.canary is not None and cluster.proxy_metrics == "ingress-nginx"
    treated = route_annotations(route, pods=spec.scaling.floor, only_unbegun=uncounted, longest=longest)
    treated |= _protocol_annotations(spec)
    yield RouteObject(
        role="main",
        name=service,
        slots=(live,),
        annotations={**treated, **issuer_annotations(route)},
        spec=ingress_spec(
            route=route,
            hosts=(route.host,),
            backend=names.slot_name(service, live),
            ingress_class=ingress_class,
            certified=(route.host, *route.stable_hosts),  # one certificate for all hosts, requested here
        ),
    )
    if hosts := route.stable_hosts:
        yield RouteObject(
            role="stable",
            name=names.stable_name(service),
            slots=(live,),
            annotations=treated,
            spec=ingress_spec(route=route, hosts=hosts, backend=service, ingress_class=ingress_class, certified=hosts),
        )
    if canary is not None:
        backend = names.slot_name(service, canary)
        yield RouteObject(
            role="canary",
            name=names.canary_name(service),
            slots=(canary,),
            annotations=canary_annotations(release, route.session),
            spec=ingress_spec(route=route, hosts=(route.host,), backend=backend, ingress_class=ingress_class),
        )


def _protocol_annotations(spec: ServiceSpec) -> dict[str, str]:
    """Return the annotation that makes a proxy speak HTTP/2 to both slots, also if it is not gRPC.

    Proxies take the canary's protocol from the main Ingress.
    """
    return _nginx({"backend-protocol": "GRPC"}) if spec.app_protocol in HTTP2 else {}


def ingress_spec(
    *, route: Route, hosts: tuple[str, ...], backend: str, ingress_class: str, certified: tuple[str, ...] = ()
) -> Json:
    """Return the spec that routes the path on these hosts to one Service. TLS ends here for ``certified`` hosts."""
    described: Json = {
        "ingressClassName": ingress_class,
        "rules": [
            {
                "host": host,
                "http": {
                    "paths": [
                        {
                            "path": route.path,
                            "pathType": route.path_type,
                            "backend": {"service": {"name": backend, "port": {"name": PORT_NAME}}},
                        }
                    ]
                },
            }
            for host in hosts
        ],
    }
    if route.tls and certified:
        described["tls"] = [{"hosts": list(certified), "secretName": route.tls.secret}]
    return described


def issuer_annotations(route: Route) -> dict[str, str]:
    """Return the annotation that requests a certificate. Only one Ingress per service may have it: two conflict."""
    return {_ISSUER: route.tls.issuer} if route.tls and route.tls.issuer else {}


def route_annotations(route: Route, *, pods: int, longest: int, only_unbegun: bool = False) -> dict[str, str]:
    """Return annotations for all requests to the route's hosts, regardless of the slot that answers them.

    Blocks that the route declares override the entry's own annotations, which override the default retries.

    Args:
        route: The route.
        pods: The minimum number of pods of a slot.
        longest: The longest time that an answer may take, in seconds.
        only_unbegun: Never retry a request that a pod has begun, even if the route permits it.
    """
    repeated = retry_annotations(route, pods=pods, only_unbegun=only_unbegun)
    annotations: dict[str, str] = {} if route.retries is None else repeated
    if route.rate_limit:
        annotations |= _rate_limit(route.rate_limit)
    if route.session:
        annotations |= _session(route.session)
    if route.max_body:
        # Whole bytes: nginx's units differ from Kubernetes' (8m is 8Mi), and Traefik ignores what it cannot parse.
        # Traefik also checks sizes only if it buffers, which ingress-nginx does by default. Larger requests get 413.
        size = int(parse(route.max_body).to_integral_value(ROUND_CEILING))
        annotations |= {"proxy-body-size": str(size), "proxy-request-buffering": "on"}
    if (limit := answer_limit(route, longest)) is not None:
        # Seconds without a unit, between two reads (or writes), so a slow stream may take longer. A timeout gets 504.
        annotations |= {"proxy-read-timeout": str(limit), "proxy-send-timeout": str(limit)}
    return {**_nginx(repeated), **route.annotations, **_nginx(annotations)}


def _nginx(annotations: Mapping[str, str]) -> dict[str, str]:
    return {f"{PREFIX}{key}": value for key, value in annotations.items()}


def _rate_limit(limit: RateLimit) -> dict[str, str]:
    """Return annotations that limit each client address in each replica of the proxy.

    Traefik answers 429. ingress-nginx answers 503 unless its ConfigMap says ``limit-req-status-code: "429"``. Traefik
    counts requests that a header or cookie sends to the canary separately.
    """
    return {"limit-rps": str(limit.per_second), "limit-burst-multiplier": str(limit.burst)}


def _session(session: Session) -> dict[str, str]:
    """Return annotations that keep a client, by a cookie, on one pod and on the version that answered it first.

    Traefik keeps the version in a second cookie, ``<name>-wrr``. In Traefik, a canary's header or cookie takes
    precedence over the session; in ingress-nginx, the session takes precedence.
    """
    annotations = {"affinity": "cookie", "session-cookie-name": session.cookie}
    if session.max_age:  # nginx reads 0 as a cookie that expires at once
        annotations["session-cookie-max-age"] = str(session.max_age)
    return annotations


def canary_annotations(release: ServiceRelease, session: Session | None = None) -> dict[str, str]:
    """Return annotations that select the canary's requests. Header takes precedence over cookie, cookie over weight."""
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
        # sticky keeps a client on its slot. ingress-nginx would do so even when the slot no longer gets requests;
        # legacy ends that. Traefik does both by itself and ignores the annotation.
        asked = release.weight > 0 or release.match != Match()
        annotations["affinity-canary-behavior"] = "sticky" if asked else "legacy"
    return _nginx(annotations)
