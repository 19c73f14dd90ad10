"""What a preview says about long answers (streams, WebSockets, gRPC) that something could cut off.

Slipway sets the time limits of the pod and the route. It can only warn about those of the server, of the proxy's own
configuration and of the cluster autoscaler.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from models.cluster import ClusterSettings
from models.protocol import HTTP2
from models.service import ServiceSpec

PROXY_SECONDS = 60
"""The limit of common proxies for a silent pod, and for the body of a request: ``proxy-read-timeout`` of ingress-nginx,
``respondingTimeouts.readTimeout`` of a Traefik entry point."""
_SERVER_SECONDS = 30
"""How long common servers finish their answers by default: ``--graceful-timeout`` of gunicorn and
``--exit-timeout-secs`` of Triton. vLLM's ``--shutdown-timeout`` is 0."""
_REMOVED_SECONDS = 5
"""How long proxies may send requests to a pod after the decision to stop it."""
_RELOAD_SECONDS = 240
"""``worker-shutdown-timeout`` of ingress-nginx: each reload of its configuration ends older connections after it."""
_NODE_SECONDS = 600
"""``--max-graceful-termination-sec`` of the cluster autoscaler."""


def notices(name: str, spec: ServiceSpec, cluster: ClusterSettings) -> Iterator[tuple[str, bool]]:
    """Yield each line about a service; all are warnings."""
    about = _About(spec, cluster)
    for line in (*about.pod(), *about.proxy(), *about.grpc()):
        yield f"{name}: {line}", True


@dataclass(frozen=True)
class _About:
    spec: ServiceSpec
    cluster: ClusterSettings

    @property
    def _longest(self) -> int:
        return self.spec.drain.request_timeout

    def pod(self) -> Iterator[str]:
        drain, longest, rollout = self.spec.drain, self._longest, self.spec.rollout
        if drain.drain < longest and drain.pre_stop + drain.drain < longest + _REMOVED_SECONDS:
            yield (
                f"drain.drain {drain.drain}s is shorter than drain.requestTimeout {longest}s, so an answer that begins "
                "at the end of preStop is cut off; raise drain.drain, or remove it"
            )
        left = longest + _REMOVED_SECONDS - drain.pre_stop
        if self.spec.owned is None and drain.untold and longest > _SERVER_SECONDS and left > 0:
            yield (
                f"nothing tells the server to finish answers of up to {longest}s after SIGTERM, and many servers end "
                f"them after {_SERVER_SECONDS}s or at once; set drain.args or drain.env, or drain.env: {{}} if it "
                "waits by itself"
            )
        if drain.grace > _NODE_SECONDS:
            yield (
                f"its pods may take {drain.grace}s to end, but the cluster autoscaler kills them after "
                f"{_NODE_SECONDS}s when it removes a node; raise its --max-graceful-termination-sec"
            )
        needed, scarce = drain.grace + self.spec.health.startup, bool(self.spec.resources.devices)
        alone = scarce and not rollout.surge(self.spec.scaling.floor) and longest > _SERVER_SECONDS
        if alone and needed > rollout.progress_deadline:
            yield (
                f"a new pod may wait {needed}s for the devices of the pod before it and for its own start, but "
                f"rollout.progressDeadline is {rollout.progress_deadline}s; raise it"
            )

    def proxy(self) -> Iterator[str]:
        route, longest, drain = self.spec.route, self._longest, "drain.requestTimeout"
        if route is None:
            return
        on_gateway = self.cluster.traffic == "gateway"
        if route.timeout is not None and route.timeout < longest:
            cut = (
                "the proxy ends each answer after" if on_gateway else "the proxy ends an answer whose pod is silent for"
            )
            yield f"{cut} route.timeout {route.timeout}s, but {drain} is {longest}s; raise route.timeout, or remove it"
        elif on_gateway and longest >= PROXY_SECONDS:
            yield (
                f"its HTTPRoute permits answers of {drain} {longest}s, but timeouts are an extended feature of the "
                "Gateway API; check that the Gateway's own limits are longer"
            )
        if not on_gateway and self.cluster.proxy_metrics != "traefik" and longest > _RELOAD_SECONDS:
            yield (
                f"{drain} is {longest}s, but ingress-nginx ends open answers {_RELOAD_SECONDS}s after it reloads its "
                "configuration; raise worker-shutdown-timeout in its ConfigMap, or set slipway:cluster.proxyMetrics: "
                "traefik if that is the proxy"
            )

    def grpc(self) -> Iterator[str]:
        spec, cluster = self.spec, self.cluster
        if spec.app_protocol not in HTTP2:
            return
        speaks, profile = f"appProtocol is {spec.app_protocol}", spec.profile
        if spec.route and cluster.traffic == "nginx":
            if spec.route.max_body:
                yield (
                    f"{speaks}, but route.maxBody makes the proxy wait for a request's end, so streams from clients "
                    "hang; remove it if clients stream"
                )
            if cluster.proxy_metrics == "ingress-nginx" and not spec.route.tls:
                yield f"{speaks}, and ingress-nginx accepts HTTP/2 from clients only with TLS; set route.tls"
        if spec.route and self._longest > PROXY_SECONDS:
            yield (
                f"{speaks}, and Traefik ends a client's stream {PROXY_SECONDS}s after it began; raise "
                "respondingTimeouts.readTimeout of its entry point"
            )
        if spec.app_protocol != "grpc":
            return
        if spec.route and cluster.proxy_metrics and not profile.requests:
            yield (
                f"{speaks}, whose failed calls the proxy's counters do not show, so they are not read; set a "
                "metricsProfile with requests, or gate.checks"
            )
        here = profile.port is None and spec.management_port is None
        if spec.monitoring and cluster.monitoring and profile.scrape and here:
            yield (
                f"{speaks}, but Prometheus scrapes the same port over HTTP/1.1, so TargetDown fires; set "
                "managementPort, a metricsProfile with a port, or metricsProfile: proxy"
            )
