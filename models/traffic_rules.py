"""Rules for routes and matches: what the stack's traffic driver can express, and which hosts collide.

Sources: the API server's rules for an HTTPRoute (https://gateway-api.sigs.k8s.io/reference/spec/), and the checks that
both nginx-compatible proxies run by default. In ingress-nginx these are ``internal/ingress/inspector/rules.go``
(``strict-validate-path-type``) and ``internal/ingress/annotations/parser/validators.go``; in Traefik 3.7
``strictValidatePathType`` of ``pkg/provider/kubernetes/ingress-nginx``. A proxy reports such a fault only in its own
log: it drops the whole Ingress, so every request gets 404, or it ignores the annotation, so no request reaches the
canary.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic.alias_generators import to_camel

from models.pattern import anywhere
from models.protocol import HTTP2
from models.release import Match
from models.routing import Route
from models.system import DeployedService, SystemSpec

_NOT_ON_A_GATEWAY = {
    "tls": "TLS ends at the Gateway's listener",
    "rate_limit": "HTTPRoute has no rate limit",
    "session": "sessions are an experimental feature of HTTPRoute",
    "max_body": "HTTPRoute has no limit on the body size",
    "retries": "retries are an experimental feature of HTTPRoute",
    "annotations": "annotations apply to an Ingress, and there is none",
}
_HOSTNAMES = 16
_GATEWAY_SECONDS = 99_999
_GATEWAY_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2}){1,1024}")
_DECODED = re.compile(r"%(?!2[13-9A-C]|3[ABDF]|40|5[BD])..")
"""Escapes that a proxy decodes before it compares paths: all but those of reserved characters (RFC 3986), which Traefik
(``withRoutingPath`` of ``pkg/muxer/http/mux.go``) keeps in upper case."""
_GATEWAY_HEADER = {"name": 256, "value": 4096, "pattern": 4096 - len(anywhere(""))}
"""The most characters of a header match."""

_NGINX_PATH = re.compile(r"/[-A-Za-z0-9._/]*")
_NGINX_SUSPICIOUS = re.compile(r"/etc/(?:passwd|shadow|group|nginx|ingress-controller)|/var/run/secrets|_by_lua")
_NGINX_HEADER = re.compile(r"[-A-Za-z0-9]+")
_NGINX_COOKIE = re.compile(r"[-A-Za-z0-9._~]+")
_NGINX_VALUE = re.compile(r"[-A-Za-z0-9._~/: ]+")
_NGINX_PATTERN = re.compile(r"[-A-Za-z0-9._~/:^$\[\](){}*+?|&=\\]+")
_PATTERN_MARKS = "-._~/:^$[](){}*+?|&=\\"
_TOKENS = "ingress-nginx allows only letters, digits and -._~ in the name of a cookie, and ignores any other name"


@dataclass(frozen=True)
class _Driver:
    """The rules of one traffic driver. Each yields ``field: rule`` below a route or below a match."""

    route: Callable[[Route], Iterator[str]]
    match: Callable[[Match], Iterator[str]]
    one_protocol: bool
    """Whether the proxy speaks to both slots as the main route says, so that slots must not differ."""


def faults(system: SystemSpec) -> Iterator[str]:
    """Yield one line for each route and match that the traffic driver cannot express, and for each host used twice."""
    yield from _collisions(system)
    driver = _DRIVERS[system.cluster.traffic]
    for name, service in system.services.items():
        where = f"catalog/{system.name}.yaml: services.{name}"
        if service.spec.route:
            yield from (f"{where}.route.{fault}" for fault in driver.route(service.spec.route))
            if driver.one_protocol:
                yield from (f"{where}.appProtocol: {fault}" for fault in _protocol_faults(service))
        declared = getattr(service.spec.release, "match", Match())
        yield from (f"{where}.release.match.{fault}" for fault in driver.match(declared))
        if service.release.match != declared:
            yield from (f"slipway:release.{name}.match.{fault}" for fault in driver.match(service.release.match))


def _protocol_faults(service: DeployedService) -> Iterator[str]:
    """Yield a fault if one slot speaks HTTP/2 and the other HTTP/1.1: each request to one of them would fail."""
    spoken = {slot: service.runs(slot).app_protocol for slot in service.revisions}
    if len({protocol in HTTP2 for protocol in spoken.values()}) > 1:
        said = " and ".join(f"{slot} speaks {protocol or 'http'}" for slot, protocol in sorted(spoken.items()))
        yield (
            f"{said}, but a proxy for Ingresses speaks one protocol to both slots; release another service, or set "
            "slipway:cluster.traffic: gateway"
        )


def _collisions(system: SystemSpec) -> Iterator[str]:
    owners: dict[tuple[str, str], str] = {}
    for name, service in system.services.items():
        route = service.spec.route
        if route is None:
            continue
        for host in (route.host, *route.stable_hosts):
            address = (host, route.path)
            if (owner := owners.setdefault(address, name)) != name:
                where = f"catalog/{system.name}.yaml: services.{name}.route"
                yield f"{where}: the service {owner} already uses {''.join(address)}; choose another host or path"


def _on_a_gateway(route: Route) -> Iterator[str]:
    """Yield each setting that an HTTPRoute cannot express. Users would trust a silently dropped limit."""
    for field, reason in _NOT_ON_A_GATEWAY.items():
        if getattr(route, field):
            yield f"{to_camel(field)}: {reason}; remove it where slipway:cluster.traffic is gateway"
    if len(route.stable_hosts) > _HOSTNAMES:
        yield f"stableHosts: an HTTPRoute allows at most {_HOSTNAMES} hosts; remove some"
    if not _GATEWAY_PATH.fullmatch(route.path):
        allowed = "letters, digits, %xx and -._~!$&'()*+,;=:@/"
        yield f"path: {route.path!r}: an HTTPRoute allows only {allowed}, at most 1024 characters; correct it"
    elif found := _DECODED.search(route.path):
        rule = f"contains {found[0]}, which a proxy decodes before it compares paths, so no request would match"
        yield f"path: {route.path!r}: {rule}; use an escape of a reserved character, such as %3B, or another path"
    if route.timeout is not None and route.timeout > _GATEWAY_SECONDS:
        yield f"timeout: an HTTPRoute allows at most {_GATEWAY_SECONDS} s; lower it"


def _chosen_on_a_gateway(match: Match) -> Iterator[str]:
    """Yield each text that is too long for a header match."""
    for field, most in _GATEWAY_HEADER.items():
        text: str = getattr(match.header, field, None) or ""
        if len(text) > most:
            yield f"header.{field}: an HTTPRoute allows at most {most} characters, but it has {len(text)}; shorten it"


def _behind_nginx(route: Route) -> Iterator[str]:
    rule = ""
    if found := _NGINX_SUSPICIOUS.search(route.path):
        rule = f"refuses paths with {found[0]}"
    elif not _NGINX_PATH.fullmatch(route.path):
        rule = "routes only paths of letters, digits and -._/"
    if rule:
        end = "would answer every request with 404; choose another path"
        yield f"path: {route.path!r}: a proxy for Ingresses {rule}, and {end}"
    if route.session and not _NGINX_COOKIE.fullmatch(route.session.cookie):
        yield f"session.cookie: {route.session.cookie!r}: {_TOKENS}; choose another name"


def _chosen_behind_nginx(match: Match) -> Iterator[str]:
    if header := match.header:
        if not _NGINX_HEADER.fullmatch(header.name):
            rule = "nginx drops headers whose name has characters other than letters, digits and '-'"
            yield f"header.name: {header.name!r}: {rule}; choose another name"
        if header.value and not _NGINX_VALUE.fullmatch(header.value):
            rule = "ingress-nginx ignores a value with characters other than letters, digits, spaces and -._~/:"
            yield f"header.value: {header.value!r}: {rule}; use pattern, with other characters as \\xNN"
        if header.pattern and not _NGINX_PATTERN.fullmatch(header.pattern):
            rule = "ingress-nginx ignores a pattern with characters other than letters, digits and " + _PATTERN_MARKS
            yield f"header.pattern: {header.pattern!r}: {rule}; write the others as \\xNN, such as \\x20 for a space"
    if match.cookie and not _NGINX_COOKIE.fullmatch(match.cookie):
        yield f"cookie: {match.cookie!r}: {_TOKENS}; choose another name"


_DRIVERS = {
    "nginx": _Driver(route=_behind_nginx, match=_chosen_behind_nginx, one_protocol=True),
    "gateway": _Driver(route=_on_a_gateway, match=_chosen_on_a_gateway, one_protocol=False),
}
