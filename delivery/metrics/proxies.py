"""The counters that are closest to the user, and the names of their series.

The names of series that Traefik generates were measured with Traefik 3.7.9. The names of ingress-nginx are in its
``rootfs/etc/nginx/lua/monitor.lua`` and https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from components import labels, names
from components.manifests.monitor import WITHOUT_PROBES, scraped
from components.manifests.pod import PORT_NAME
from delivery.metrics.series import Labels
from models.vocabulary import OTHER_SLOT, SlotName

_SLOT = scraped(labels.SLOT)


@dataclass(frozen=True, kw_only=True)
class Target:
    """The slots of one service to query."""

    namespace: str
    service: str
    slots: Mapping[str, SlotName]
    """Role → slot, such as ``{"live": "blue", "candidate": "green"}``; a roll in place has only a candidate."""
    routed: bool
    """Whether a route leads to the service; without one, only the servers count its requests."""
    driver: Literal["nginx", "gateway"]
    proxy: Literal["traefik", "ingress-nginx"] | None
    """``ClusterSettings.proxy_metrics``."""

    def role_of(self, slot: str | None) -> str | None:
        """Return the role of a slot; None = it has no role here."""
        return next((role for role, own in self.slots.items() if own == slot), None)

    def private(self, slot: SlotName) -> str:
        """Return the name of a slot's own Service."""
        return names.slot_name(self.service, slot)

    @property
    def privates(self) -> str:
        """A PromQL pattern that matches the Services of both slots."""
        return "|".join(map(self.private, OTHER_SLOT))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A counter of answers."""

    selectors: tuple[str, ...]
    """Alternatives, one of which has series: Prometheus renames a label that conflicts with a label of its own."""
    slot_of: Callable[[Labels], str | None]
    status: str
    """The label with the HTTP status."""

    def failed(self, series: Labels) -> bool:
        """Return whether the series counts 5xx answers, which are the fault of the servers or the proxy."""
        return series.get(self.status, "").startswith("5")


def answers(target: Target) -> Source:
    """Return the counter closest to the user, because a request that never reached a server is a failed one."""
    if not target.routed or target.proxy is None:
        return _servers(target)
    if target.proxy == "ingress-nginx":
        return _ingress_nginx(target)
    return _traefik(_traefik_nginx(target) if target.driver == "nginx" else _traefik_gateway(target))


def durations(target: Target, bound: float) -> str:
    """Return the selector of the servers' histogram: requests within ``bound`` seconds, and all requests."""
    upper = f"{bound}|+Inf".replace(".", r"\\.").replace("+", r"\\+")
    return f'http_request_duration_seconds_bucket{{{_of_servers(target)},le=~"{upper}"}}'


def slot_of_server(series: Labels) -> str | None:
    """Return the slot from the label that the ServiceMonitor copies from the slot's own Service."""
    return series.get(_SLOT)


def _of_servers(target: Target) -> str:
    return f'namespace="{target.namespace}",service=~"{target.privates}",{WITHOUT_PROBES}'


def _servers(target: Target) -> Source:
    selector = f"http_requests_total{{{_of_servers(target)}}}"
    return Source(selectors=(selector,), slot_of=slot_of_server, status="status")


def _traefik_nginx(target: Target) -> dict[str, SlotName]:
    """Return patterns for the services that Traefik creates for the main and the canary Ingress.

    Both are named after the Service of the *main* Ingress, which is the live slot's; the canary's slot is the other
    one. So the names hold before and after a promotion. Hosts that are never split have another Ingress.
    """
    found: dict[str, SlotName] = {}
    for live, other in OTHER_SLOT.items():
        main = f"{target.namespace}-{target.service}-{target.private(live)}-{PORT_NAME}"
        found[f"{main}@kubernetesingressnginx"] = live
        found[f"{main}-canary@kubernetesingressnginx"] = other
    return found


def _traefik_gateway(target: Target) -> dict[str, SlotName]:
    """Return patterns for the services that Traefik creates for the main HTTPRoute, one per rule and backend.

    The names contain a hash of the rule.
    """
    route = f"httproute-{target.namespace}-{target.service}-gw-.+-svc-{target.namespace}"
    return {f"{route}-{target.private(slot)}-[0-9]+@kubernetesgateway": slot for slot in OTHER_SLOT}


def _traefik(patterns: Mapping[str, SlotName]) -> Source:
    """Return Traefik's counter; scraped through a Kubernetes Service, its label ``service`` is renamed."""
    compiled = {re.compile(pattern): slot for pattern, slot in patterns.items()}
    spelled = ("service", "exported_service")

    def slot_of(series: Labels) -> str | None:
        name = series.get("exported_service", series.get("service", ""))
        return next((slot for pattern, slot in compiled.items() if pattern.fullmatch(name)), None)

    selectors = tuple(f'traefik_service_requests_total{{{label}=~"{"|".join(patterns)}"}}' for label in spelled)
    return Source(selectors=selectors, slot_of=slot_of, status="code")


def _ingress_nginx(target: Target) -> Source:
    """Return the counter of ingress-nginx for the main Ingress, which includes the canary's requests.

    The label ``canary`` names the upstream that answered instead, and is empty otherwise. Labels that conflict with
    Prometheus' own are named ``exported_…``.
    """
    upstreams = {f"{target.namespace}-{target.private(slot)}-{PORT_NAME}": slot for slot in OTHER_SLOT}
    services = {target.private(slot): slot for slot in OTHER_SLOT}

    def slot_of(series: Labels) -> str | None:
        if series.get("exported_namespace", series.get("namespace")) != target.namespace:
            return None
        canary = series.get("canary", "")
        if canary not in ("", "-"):
            return upstreams.get(canary)
        return services.get(series.get("exported_service", series.get("service", "")))

    selector = f'nginx_ingress_controller_requests{{ingress="{target.service}"}}'
    return Source(selectors=(selector,), slot_of=slot_of, status="status")
