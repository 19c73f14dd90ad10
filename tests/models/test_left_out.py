"""What the preview says about a service whose metrics profile offers less than the entry asks for."""

from models.entry import CatalogueEntry
from models.left_out import notices
from models.resolve import resolve
from models.stack import StackSettings
from models.system import notices as of_system
from tests.each import each
from tests.samples import Config, accepted, entry, put, service, stack

OFF: Config = {"alerts": dict.fromkeys(["targetDown", "noTargetUp", "saturation", "replicasAtMax"])}
SLO: Config = {"slo": {"availability": 99.9, "latency": {"percent": 99, "within": "500ms"}}}
ROUTE: Config = {"host": "web.example.com"}
TRAEFIK: Config = {"proxyMetrics": "traefik", "dashboards": None}
PLAIN: Config = {"dashboards": None}


def told(cluster: Config, **spec: object) -> list[tuple[str, bool]]:
    """The notices about one service."""
    given = entry(images={"server": {"context": "embedder"}}, services={"web": service(**spec)})
    data = put(stack(), "cluster", {"context": "prod", **cluster})
    system = resolve(accepted(StackSettings, data), accepted(CatalogueEntry, given))
    return list(notices("web", system.services["web"].spec, system.cluster))


def test_there_is_nothing_to_say_about_our_own_server() -> None:
    whole = {"monitoring": {**SLO, "meanLatency": {"above": "1s"}}, "release": {"gate": {"latency": {"within": "1s"}}}}
    assert told({}, metricsProfile="slipway", **whole) == []


def of_the_system(**cluster: object) -> list[str]:
    """The notices about a system of two services, of which one has a gate that judges something."""
    silent = service(metricsProfile="slipway", release={"gate": {"errors": None}}, monitoring=None)
    services = {"web": service(metricsProfile="slipway", monitoring=None), "batch": silent}
    given = entry(images={"server": {"context": "embedder"}}, services=services)
    data = put(stack(), "cluster", {"context": "prod", **cluster})
    return [
        line for line, _ in of_system(resolve(accepted(StackSettings, data), accepted(CatalogueEntry, given)), "dev")
    ]


def test_a_gate_without_a_source_of_metrics_is_told_once() -> None:
    assert of_the_system()[0] == (
        "web: release.gate has no source of metrics, so every release is refused; set slipway:cluster.metricsUrl to "
        "the URL of Prometheus, or slipway:cluster.metrics to direct"
    )
    for named in ({"metricsUrl": "http://p:9090"}, {"prometheusUrl": "http://p:9090"}, {"metrics": "direct"}):
        assert not any("no source" in line for line in of_the_system(**named))


def test_the_proxy_offers_both_objectives_and_the_gate() -> None:
    gate: Config = {"gate": {"latency": {"within": "300ms"}}}
    assert told(TRAEFIK, metricsProfile="proxy", route=ROUTE, monitoring={**SLO, **OFF}, release=gate) == []


def test_without_a_proxys_counters_the_gate_can_tell_nothing_and_the_preview_warns() -> None:
    gate: Config = {"gate": {"latency": {"within": "300ms"}}}
    (errors, warns), (latency, _) = told(PLAIN, metricsProfile="proxy", route=ROUTE, monitoring=None, release=gate)
    assert warns
    assert errors == (
        "web: gate.errors: the metrics profile reads the proxy, and no proxy counts the requests; set "
        "slipway:cluster.proxyMetrics if the service has a route, choose a metricsProfile with a counter "
        "of requests, or set gate.errors to null; until then, every release ends before its first request"
    )
    assert latency.startswith("web: gate.latency: ")


def test_a_gate_that_judges_nothing_is_called_so() -> None:
    (found,) = told({}, metricsProfile="slipway", release={"gate": {"errors": None}}, monitoring=None)
    assert found == (
        (
            "web: nothing is judged: release.gate names no criterion, so every release is promoted, without evidence "
            "for the next environment; set gate.errors, gate.latency, gate.checks or gate.webhook"
        ),
        True,
    )


def test_a_default_is_said() -> None:
    (found,) = told(TRAEFIK, route=ROUTE, monitoring=None)
    assert found == (
        (
            "web: no metricsProfile is set, and no profile names the image's build context, so Slipway reads the "
            "proxy's counters; set metricsProfile to the server's, or to proxy if the server has no metrics"
        ),
        False,
    )


@each(
    ("metrics", "monitoring", "lost"),
    [
        ("triton", SLO, ["LatencyBudgetBurn (slo.latency)", "Saturation by refused requests"]),
        ("triton", {**SLO, **OFF}, ["LatencyBudgetBurn (slo.latency)"]),
        ("bentoml", {"meanLatency": {"above": "1s"}, **OFF}, ["HighInferenceLatency (meanLatency)"]),
        ("bentoml", {}, ["Saturation by refused requests and the wait"]),
        ({}, {"slo": {"availability": 99}, **OFF}, ["AvailabilityBudgetBurn (slo.availability)"]),
        ("vllm", SLO, ["Saturation by refused requests"]),
    ],
)
def test_every_alert_that_cannot_fire_is_named(metrics: object, monitoring: Config, lost: list[str]) -> None:
    checked: Config = {"gate": {"errors": None, "checks": {"own": {"query": "up", "min": 1}}}}
    found = [
        line for line, warns in told(PLAIN, metricsProfile=metrics, monitoring=monitoring, release=checked) if warns
    ]
    listed = " and ".join([", ".join(lost[:-1]), lost[-1]]) if len(lost) > 1 else lost[0]
    verb = "is" if len(lost) == 1 else "are"
    assert found == [f"web: its metrics profile offers no series for {listed}, which {verb} left out"]


def test_pods_that_are_not_scraped_raise_no_alert_about_scrapes() -> None:
    ((line, warns),) = told(TRAEFIK, metricsProfile="proxy", route=ROUTE, monitoring={"alerts": {"saturation": None}})
    assert warns
    assert "for TargetDown, NoTargetUp and ReplicasAtMax, which are left out" in line


def test_a_panel_that_is_missing_is_said_but_no_warning() -> None:
    lines = told({"proxyMetrics": "traefik"}, metricsProfile="bentoml", route=ROUTE, monitoring=OFF)
    assert lines == [
        (
            "web: the dashboard leaves out queue, wait and CPU and memory, for which the metrics profile has no series",
            False,
        )
    ]
