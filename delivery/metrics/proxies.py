"""Whose counters tell what users got, and what their series are called.

Names of series that a proxy makes up were measured with Traefik 3.7.9; those of ingress-nginx are in its
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
    """What is asked about: the slots of one service."""

    namespace: str
    service: str
    slots: Mapping[str, SlotName]
    """Role → slot, such as ``{"live": "blue", "candidate": "green"}``; a roll in place has a candidate alone."""
    routed: bool
    """False = no route leads to it, so only the servers themselves have counted."""
    driver: Literal["nginx", "gateway"]
    proxy: Literal["traefik", "ingress-nginx"] | None
    """``ClusterSettings.proxy_metrics``."""

    def role_of(self, slot: str | None) -> str | None:
        """The role that a slot plays; None = it plays none here."""
        return next((role for role, own in self.slots.items() if own == slot), None)

    def private(self, slot: SlotName) -> str:
        """Name a slot's own Service."""
        return names.slot_name(self.service, slot)

    @property
    def privates(self) -> str:
        """Match the Services of both slots in PromQL."""
        return "|".join(map(self.private, OTHER_SLOT))


@dataclass(frozen=True, kw_only=True)
class Source:
    """A counter of answers."""

    selectors: tuple[str, ...]
    """Alternatives of which one has series: Prometheus may have renamed a label that its own would have hidden."""
    slot_of: Callable[[Labels], str | None]
    status: str
    """Label that holds the HTTP status."""

    def failed(self, series: Labels) -> bool:
        """Whether the series counts answers that are the servers' or the proxy's fault."""
        return series.get(self.status, "").startswith("5")


def answers(target: Target) -> Source:
    """Return the counter that is nearest to the user: a request that never reached a server is one that failed."""
    if not target.routed or target.proxy is None:
        return _servers(target)
    if target.proxy == "ingress-nginx":
        return _ingress_nginx(target)
    return _traefik(_traefik_nginx(target) if target.driver == "nginx" else _traefik_gateway(target))


def durations(target: Target, bound: float) -> str:
    """Select the servers' histogram: requests that took at most ``bound`` seconds, and all of them."""
    upper = f"{bound}|+Inf".replace(".", r"\\.").replace("+", r"\\+")
    return f'http_request_duration_seconds_bucket{{{_of_servers(target)},le=~"{upper}"}}'


def slot_of_server(series: Labels) -> str | None:
    """Read the slot that the ServiceMonitor copies from the private Service."""
    return series.get(_SLOT)


def _of_servers(target: Target) -> str:
    return f'namespace="{target.namespace}",service=~"{target.privates}",{WITHOUT_PROBES}'


def _servers(target: Target) -> Source:
    selector = f"http_requests_total{{{_of_servers(target)}}}"
    return Source(selectors=(selector,), slot_of=slot_of_server, status="status")


def _traefik_nginx(target: Target) -> dict[str, SlotName]:
    """Match the Services that Traefik makes of the main and the canary Ingress.

    Both are named after the Service of the *main* Ingress, the live slot's; the canary's slot is the other one. So the
    names hold before and after a promotion, and hosts that are never split are another Ingress.
    """
    found: dict[str, SlotName] = {}
    for live, other in OTHER_SLOT.items():
        main = f"{target.namespace}-{target.service}-{target.private(live)}-{PORT_NAME}"
        found[f"{main}@kubernetesingressnginx"] = live
        found[f"{main}-canary@kubernetesingressnginx"] = other
    return found


def _traefik_gateway(target: Target) -> dict[str, SlotName]:
    """Match what Traefik makes of the main HTTPRoute: one series for each rule, its hash, and a backend."""
    route = f"httproute-{target.namespace}-{target.service}-gw-.+-svc-{target.namespace}"
    return {f"{route}-{target.private(slot)}-[0-9]+@kubernetesgateway": slot for slot in OTHER_SLOT}


def _traefik(patterns: Mapping[str, SlotName]) -> Source:
    """Count what Traefik answered; scraped behind a Kubernetes Service, its own label ``service`` has another name."""
    compiled = {re.compile(pattern): slot for pattern, slot in patterns.items()}
    spelled = ("service", "exported_service")

    def slot_of(series: Labels) -> str | None:
        name = series.get("exported_service", series.get("service", ""))
        return next((slot for pattern, slot in compiled.items() if pattern.fullmatch(name)), None)

    selectors = tuple(f'traefik_service_requests_total{{{label}=~"{"|".join(patterns)}"}}' for label in spelled)
    return Source(selectors=selectors, slot_of=slot_of, status="code")


def _ingress_nginx(target: Target) -> Source:
    """Count what ingress-nginx answered for the main Ingress, under which it counts the canary's requests too.

    ``canary`` then names the upstream that was taken instead, and is empty otherwise. Labels that Prometheus' own would
    hide are found as ``exported_…``.
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
