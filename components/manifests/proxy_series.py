"""The series in which a proxy counts the requests to each slot.

The names of series that Traefik generates were measured with Traefik 3.7.9. The names of ingress-nginx are in its
``rootfs/etc/nginx/lua/monitor.lua`` and https://kubernetes.github.io/ingress-nginx/user-guide/monitoring/.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from components import names
from components.manifests.pod import PORT_NAME
from components.manifests.selectors import Matcher
from models.vocabulary import OTHER_SLOT, SlotName

Proxy = Literal["traefik", "ingress-nginx"]
Driver = Literal["nginx", "gateway"]


@dataclass(frozen=True, kw_only=True)
class ProxyMetrics:
    """The metrics of one proxy."""

    requests: str
    durations: str
    """A histogram in seconds, without ``_bucket``. Its bounds are part of the proxy's configuration."""
    status: str
    """The label with the HTTP status, of both."""
    pods: Mapping[str, str]
    """Labels of the proxy's pods, as its Helm chart sets them."""
    port: int
    """The port of its metrics in its Helm chart."""


METRICS: dict[Proxy, ProxyMetrics] = {
    "traefik": ProxyMetrics(
        requests="traefik_service_requests_total",
        durations="traefik_service_request_duration_seconds",
        status="code",
        pods={"app.kubernetes.io/name": "traefik"},
        port=9100,
    ),
    "ingress-nginx": ProxyMetrics(
        requests="nginx_ingress_controller_requests",
        durations="nginx_ingress_controller_request_duration_seconds",
        status="status",
        pods={"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"},
        port=10254,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Proxied:
    """A routed service as its proxy names it."""

    namespace: str
    service: str
    driver: Driver
    proxy: Proxy

    @property
    def metrics(self) -> ProxyMetrics:
        """The proxy's metrics."""
        return METRICS[self.proxy]

    def matchers(self, slot: SlotName) -> Iterator[tuple[Matcher, ...]]:
        """Yield matchers for a slot's series. They are alternatives: a scrape renames labels that it sets itself."""
        if self.proxy == "traefik":
            own = "|".join(pattern for pattern, of in self.traefik.items() if of == slot)
            yield from ((Matcher(label, own, "=~"),) for label in ("service", "exported_service"))
            return
        private = names.slot_name(self.service, slot)
        for prefix in ("", "exported_"):
            here = Matcher("ingress", self.service), Matcher(f"{prefix}namespace", self.namespace)
            yield *here, Matcher("canary", f"{self.namespace}-{private}-{PORT_NAME}")
            yield *here, Matcher("canary", "-?", "=~"), Matcher(f"{prefix}service", private)

    @property
    def traefik(self) -> dict[str, SlotName]:
        """Patterns for the services that Traefik creates."""
        return self._of_ingresses() if self.driver == "nginx" else self._of_routes()

    def _of_ingresses(self) -> dict[str, SlotName]:
        """Return patterns for the services of the main and the canary Ingress.

        Both are named after the Service of the *main* Ingress, which is the live slot's; the canary's slot is the other
        one. So the names hold before and after a promotion. Hosts that are never split have another Ingress.
        """
        found: dict[str, SlotName] = {}
        for live, other in OTHER_SLOT.items():
            main = f"{self.namespace}-{self.service}-{names.slot_name(self.service, live)}-{PORT_NAME}"
            found[f"{main}@kubernetesingressnginx"] = live
            found[f"{main}-canary@kubernetesingressnginx"] = other
        return found

    def _of_routes(self) -> dict[str, SlotName]:
        """Return patterns for the services of the main HTTPRoute, one per rule and backend.

        The names contain a hash of the rule.
        """
        route = f"httproute-{self.namespace}-{self.service}-gw-.+-svc-{self.namespace}"
        return {f"{route}-{names.slot_name(self.service, slot)}-[0-9]+@kubernetesgateway": slot for slot in OTHER_SLOT}
