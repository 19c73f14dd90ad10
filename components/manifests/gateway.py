"""The HTTPRoutes of a service, on an existing Gateway (gateway.networking.k8s.io/v1).

Semantics: https://gateway-api.sigs.k8s.io/reference/spec/. The rules split requests as the nginx annotations do: header
takes precedence over cookie, and cookie over weight. Each of these rules matches one header, so the standard's
tie-break applies: the first rule that matches wins.
"""

import re
from collections.abc import Iterator

from components import names
from components.manifests.manifest import Json
from components.manifests.route_object import RouteObject, answer_limit
from models.cluster import ClusterSettings, GatewaySettings
from models.pattern import anywhere
from models.ports import PRIVATE_PORT
from models.release import Match, ServiceRelease
from models.routing import Route
from models.service import ServiceSpec
from models.vocabulary import SlotName

_MATCHES = {"Prefix": "PathPrefix", "Exact": "Exact"}
_EXACT, _PATTERN = "Exact", "RegularExpression"


def route_objects(
    service: str, spec: ServiceSpec, release: ServiceRelease, cluster: ClusterSettings, longest: int
) -> Iterator[RouteObject]:
    """Yield the HTTPRoutes of a service: one for the split host, and one for the stable hosts."""
    route, gateway = spec.route, cluster.gateway
    if route is None or gateway is None:
        return
    yield RouteObject(
        role="main",
        name=service,
        slots=tuple(sorted(release.slots)),
        spec=_spec(gateway, (route.host,), list(split_rules(service, route, release, longest))),
    )
    if route.stable_hosts:
        rule = _rule(route, longest, None, [_backend(service, spec.exposure.port, 1)])
        yield RouteObject(
            role="stable",
            name=names.stable_name(service),
            slots=(release.live,),
            spec=_spec(gateway, route.stable_hosts, [rule]),
        )


def split_rules(service: str, route: Route, release: ServiceRelease, longest: int) -> Iterator[Json]:
    """Yield the rules that say which requests each slot answers, in order of precedence.

    Backends are sorted by slot name, so a promotion changes the live slot but no rule. What a slot's port speaks is in
    the Service's ``appProtocol``, so gRPC needs no GRPCRoute (ADR 25).
    """

    def only(slot: SlotName) -> list[Json]:
        return [_backend(names.slot_name(service, slot), PRIVATE_PORT, 1)]

    if release.canary is not None:
        for chosen, header in _choices(release.match):
            yield _rule(route, longest, header, only(release.canary if chosen else release.live))
    weights = [(names.slot_name(service, slot), release.weight_of(slot)) for slot in sorted(release.slots)]
    yield _rule(route, longest, None, [_backend(name, PRIVATE_PORT, weight) for name, weight in weights])


def _choices(match: Match) -> Iterator[tuple[bool, Json]]:
    """Yield (whether the canary answers, header match) for each way in which a request selects a slot."""
    if header := match.header:
        if header.value is not None:
            yield True, _header(header.name, _EXACT, header.value)
        elif header.pattern is not None:
            yield True, _header(header.name, _PATTERN, anywhere(header.pattern))
        else:
            yield True, _header(header.name, _EXACT, "always")
            yield False, _header(header.name, _EXACT, "never")
    if match.cookie is not None:
        name = re.escape(match.cookie)
        for chosen, word in ((True, "always"), (False, "never")):
            yield chosen, _header("Cookie", _PATTERN, rf"^(?:.*;\s*)?{name}={word}(?:;.*)?$")


def _header(name: str, kind: str, value: str) -> Json:
    return {"type": kind, "name": name, "value": value}


def _rule(route: Route, longest: int, header: Json | None, backends: list[Json]) -> Json:
    match: Json = {"path": {"type": _MATCHES[route.path_type], "value": route.path}}
    if header is not None:
        match["headers"] = [header]
    rule: Json = {"matches": [match], "backendRefs": backends}
    if (limit := answer_limit(route, longest)) is not None:
        # Limits the whole answer; nginx limits the time between two reads. This is an extended feature: proxies without
        # it, such as Traefik 3.7, keep their own timeout.
        rule["timeouts"] = {"request": f"{limit}s"}
    return rule


def _backend(service: str, port: int, weight: int) -> Json:
    return {"name": service, "port": port, "weight": weight}


def _spec(gateway: GatewaySettings, hosts: tuple[str, ...], rules: list[Json]) -> Json:
    parent = {"name": gateway.name, "namespace": gateway.namespace}
    if gateway.listener is not None:
        parent["sectionName"] = gateway.listener
    return {"parentRefs": [parent], "hostnames": list(hosts), "rules": rules}
