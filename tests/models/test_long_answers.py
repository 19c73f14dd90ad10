"""Long answers: what a preview warns about, and what the fields of a service refuse."""

from models.cluster import ClusterSettings
from models.entry import CatalogueEntry
from models.long_answers import notices
from models.offer import Offer, proxy_of
from models.resolve import resolve
from models.service import ServiceSpec
from models.stack import StackSettings
from tests.each import each
from tests.samples import Config, accepted, entry, profile, put, refused, service, stack

CHECKED: Config = {"ready": {"tcp": {}}, "live": {"tcp": {}}}
TOLD: Config = {"env": {"SECONDS": "{drain}"}}
TRAEFIK: Config = {"proxyMetrics": "traefik"}
INGRESS_NGINX: Config = {"proxyMetrics": "ingress-nginx"}
GATEWAY: Config = {"traffic": "gateway", "gateway": {"name": "public", "namespace": "edge"}}
ROUTE: Config = {"host": "web.example.com"}
GRPC: Config = {"server": "other", "model": None, "health": CHECKED, "appProtocol": "grpc", "metricsProfile": "proxy"}
COUNTED: Config = {"metricsProfile": {**profile("bentoml").document(), "port": 9100}}


def told(cluster: Config, **spec: object) -> list[str]:
    """The warnings about one service."""
    data = put(stack(), "cluster", {"context": "prod", **cluster})
    system = resolve(accepted(StackSettings, data), accepted(CatalogueEntry, entry(services={"web": service(**spec)})))
    found = list(notices("web", system.services["web"].spec, system.cluster))
    assert all(warns for _, warns in found)
    return [line.removeprefix("web: ") for line, _ in found]


def faults(**spec: object) -> list[str]:
    """The refusals of one service."""
    return [
        line.removeprefix("given: services.web.")
        for line in refused(CatalogueEntry, entry(services={"web": service(**spec)}))
    ]


def other(**drain: object) -> Config:
    return {"server": "other", "model": None, "health": CHECKED, "drain": drain}


@each(
    ("cluster", "spec"),
    [
        ({}, {}),
        (GATEWAY, {"route": ROUTE}),
        (INGRESS_NGINX, {"route": ROUTE, "drain": {"requestTimeout": "4m"}}),
        (TRAEFIK, {"route": ROUTE, "drain": {"requestTimeout": "9m"}}),
        ({}, {"drain": {"requestTimeout": "9m"}}),  # no proxy
        ({}, other(requestTimeout="30s")),
        ({}, other(requestTimeout="60s", **TOLD)),
        ({}, other(requestTimeout="60s", env={})),
        ({}, other(preStop="65s", requestTimeout="60s")),  # for servers that end streams at SIGTERM
        (TRAEFIK, {**GRPC, **COUNTED, "route": ROUTE}),
    ],
)
def test_there_is_nothing_to_say_where_every_answer_has_its_time(cluster: Config, spec: Config) -> None:
    assert told(cluster, **spec) == []


@each(
    ("cluster", "spec", "line"),
    [
        (
            {},
            {"drain": {"requestTimeout": "35s"}},
            (
                "drain.drain 30s is shorter than drain.requestTimeout 35s, so an answer that begins at the end of "
                "preStop is cut off; raise drain.drain, or remove it"
            ),
        ),
        (
            {},
            other(requestTimeout="10s", drain="9s") | {"model": None},
            (
                "drain.drain 9s is shorter than drain.requestTimeout 10s, so an answer that begins at the end of "
                "preStop is cut off; raise drain.drain, or remove it"
            ),
        ),
        (
            {},
            other(requestTimeout="36s"),
            (
                "nothing tells the server to finish answers of up to 36s after SIGTERM, and many servers end them "
                "after 30s or at once; set drain.args or drain.env, or drain.env: {} if it waits by itself"
            ),
        ),
        (
            {},
            {"drain": {"requestTimeout": "15m"}},
            (
                "its pods may take 910s to end, but the cluster autoscaler kills them after 600s when it removes a "
                "node; raise its --max-graceful-termination-sec"
            ),
        ),
        (
            GATEWAY,
            {"route": {**ROUTE, "timeout": "29s"}},
            (
                "the proxy ends each answer after route.timeout 29s, but drain.requestTimeout is 30s; raise "
                "route.timeout, or remove it"
            ),
        ),
        (
            TRAEFIK,
            {"route": {**ROUTE, "timeout": "29s"}},
            (
                "the proxy ends an answer whose pod is silent for route.timeout 29s, but drain.requestTimeout is "
                "30s; raise route.timeout, or remove it"
            ),
        ),
        (
            GATEWAY,
            {"route": ROUTE, "drain": {"requestTimeout": "60s"}},
            (
                "its HTTPRoute permits answers of drain.requestTimeout 60s, but timeouts are an extended feature of "
                "the Gateway API; check that the Gateway's own limits are longer"
            ),
        ),
        (
            INGRESS_NGINX,
            {"route": ROUTE, "drain": {"requestTimeout": "241s"}},
            (
                "drain.requestTimeout is 241s, but ingress-nginx ends open answers 240s after it reloads its "
                "configuration; raise worker-shutdown-timeout in its ConfigMap, or set slipway:cluster.proxyMetrics: "
                "traefik if that is the proxy"
            ),
        ),
        (
            TRAEFIK,
            {**GRPC, **COUNTED, "route": {**ROUTE, "maxBody": "1Mi"}},
            (
                "appProtocol is grpc, but route.maxBody makes the proxy wait for a request's end, so streams from "
                "clients hang; remove it if clients stream"
            ),
        ),
        (
            INGRESS_NGINX,
            {**GRPC, **COUNTED, "route": ROUTE},
            "appProtocol is grpc, and ingress-nginx accepts HTTP/2 from clients only with TLS; set route.tls",
        ),
        (
            TRAEFIK,
            {**GRPC, **COUNTED, "route": ROUTE, "drain": {"requestTimeout": "61s", **TOLD}},
            (
                "appProtocol is grpc, and Traefik ends a client's stream 60s after it began; raise "
                "respondingTimeouts.readTimeout of its entry point"
            ),
        ),
        (
            TRAEFIK,
            {**GRPC, "route": ROUTE},
            (
                "appProtocol is grpc, whose failed calls the proxy's counters do not show, so they are not read; set a "
                "metricsProfile with requests, or gate.checks"
            ),
        ),
        (
            {},
            {**GRPC, "metricsProfile": None},
            (
                "appProtocol is grpc, but Prometheus scrapes the same port over HTTP/1.1, so TargetDown fires; set "
                "managementPort, a metricsProfile with a port, or metricsProfile: proxy"
            ),
        ),
    ],
)
def test_the_preview_warns_about_each_limit_that_is_too_short(cluster: Config, spec: Config, line: str) -> None:
    assert told(cluster, **spec) == [line]


SCARCE: Config = {**service()["resources"], "devices": {"nvidia.com/gpu": 1}}


def test_pods_that_wait_for_devices_need_a_longer_deadline() -> None:
    spec: Config = {"resources": SCARCE, "rollout": {"maxUnavailable": 1, "maxSurge": 0}}
    (line,) = told({}, **spec, drain={"requestTimeout": "2m"})
    assert line == (
        "a new pod may wait 190s for the devices of the pod before it and for its own start, but "
        "rollout.progressDeadline is 120s; raise it"
    )
    assert told({}, resources=SCARCE, drain={"requestTimeout": "2m"}) == []
    assert told({}, **spec) == []


@each(
    ("spec", "line"),
    [
        (
            {"drain": TOLD},
            "drain.env: Slipway's own server reads the time from its settings file; remove it",
        ),
        (
            other(args=["--graceful-timeout={drain}"]),
            (
                "drain.args: without command or args, they would replace the image's own arguments; set args to "
                "those of the image, or use drain.env"
            ),
        ),
        ({"appProtocol": "ws"}, "appProtocol: Slipway's own server does not speak ws, only http; remove it"),
        (
            {**GRPC, "health": {**CHECKED, "ready": "/health"}},
            (
                "health.ready: the kubelet sends HTTP/1.1, but appProtocol is grpc; set {grpc: {}}, {tcp: {}} or "
                "exec, or name another port of the service"
            ),
        ),
        (
            {**GRPC, "health": {**CHECKED, "starting": {"check": {"http": {"path": "/up"}}}}},
            (
                "health.starting.check: the kubelet sends HTTP/1.1, but appProtocol is grpc; set {grpc: {}}, "
                "{tcp: {}} or exec, or name another port of the service"
            ),
        ),
    ],
)
def test_what_cannot_work_is_refused(spec: Config, line: str) -> None:
    assert faults(**spec) == [line]


@each(
    "spec",
    [
        {**other(args=["--graceful-timeout={drain}"]), "args": ["app:app"]},
        {**other(args=["--graceful-timeout={drain}"]), "command": ["serve"]},
        {"appProtocol": "http"},
        {
            **GRPC,
            "ports": {"http": 8001},
            "health": {**CHECKED, "ready": {"http": {"path": "/health", "port": "http"}}},
        },
        {**GRPC, "appProtocol": "h2c", "health": {"ready": "/health", "live": "/health"}},
    ],
)
def test_what_works_is_accepted(spec: Config) -> None:
    assert accepted(CatalogueEntry, entry(services={"web": service(**spec)}))


@each(
    ("spec", "overlay"),
    [
        ({"env": {"SECONDS": "1"}, **other(**TOLD)}, {}),
        ({"env": {"SECONDS": "1"}, **other()}, {"drain": TOLD}),
        (other(**TOLD), {"env": {"SECONDS": "1"}}),
    ],
)
def test_a_variable_of_the_drain_is_set_once(spec: Config, overlay: Config) -> None:
    given = entry(services={"web": service(**spec)}, environments={"dev": {"services": {"web": overlay}}, "prod": {}})
    (line,) = refused(CatalogueEntry, given)
    assert line.endswith("the variable SECONDS is set twice, by env and by drain.env; remove one")


def test_the_counters_of_a_proxy_are_not_read_for_grpc() -> None:
    assert proxy_of(spec_of(GRPC), cluster_of(TRAEFIK)) is None
    assert proxy_of(spec_of({**GRPC, "appProtocol": "h2c"}), cluster_of(TRAEFIK)) == "traefik"
    assert not Offer.of(spec_of(GRPC), cluster_of(TRAEFIK)).proxied


def spec_of(spec: Config) -> ServiceSpec:
    return accepted(CatalogueEntry, entry(services={"web": service(**spec, route=ROUTE)})).service_in("dev", "web")


def cluster_of(settings: Config) -> ClusterSettings:
    return ClusterSettings.model_validate({"context": "prod", **settings})
