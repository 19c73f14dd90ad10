"""A stranger's server is counted by the names of its profile: the real names, as Prometheus has them."""

import dataclasses

from delivery.metrics import sources
from delivery.metrics.prometheus import Tally
from delivery.metrics.sources import Target
from models.delivery import Arm
from tests.delivery.prometheus import Fake, Sample
from tests.each import each
from tests.samples import Config, profile

SERVICE, NAMESPACE, SINCE = "llm", "ml", 900.0
WELL: list[Sample] = [(float(at), 1.0) for at in range(600, 1001, 10)]
MAIN = "ml-llm-llm-blue-web@kubernetesingressnginx"
CANARY = "ml-llm-llm-blue-web-canary@kubernetesingressnginx"


def target(name: str, **changes: object) -> Target:
    found = Target(
        namespace=NAMESPACE,
        service=SERVICE,
        slots={"live": "blue", "candidate": "green"},
        routed=False,
        driver="nginx",
        proxy=None,
        profile=profile(name),
    )
    return dataclasses.replace(found, **changes)


def series(metric: str, slot: str = "green", **labels: str) -> dict[str, str]:
    own = {"namespace": NAMESPACE, "service": f"{SERVICE}-{slot}", "slipway_dev_slot": slot, "instance": f"{slot}-pod"}
    return {"__name__": metric, **own, **labels}


def filled(*rows: tuple[dict[str, str], float]) -> Fake:
    """A source in which each counter rose by so much within the window."""
    fake, seen = Fake(), set[str]()
    for labels, risen in rows:
        instance = labels.get("instance", "one")
        fake.add(labels, [(890, 7), (990, 7 + risen)], up=WELL if instance not in seen else ())
        seen.add(instance)
    return fake


@each(
    ("name", "rows"),
    [
        (
            "fastapi",
            [
                ("http_requests_total", {"handler": "/predict", "status": "2xx"}, 90),
                ("http_requests_total", {"handler": "/predict", "status": "4xx"}, 6),
                ("http_requests_total", {"handler": "/predict", "status": "5xx"}, 4),
                ("http_requests_total", {"handler": "/healthz", "status": "2xx"}, 1000),
                ("http_requests_total", {"handler": "/health/live", "status": "5xx"}, 1000),
            ],
        ),
        (
            "mlserver",
            [
                ("rest_server_requests_total", {"path": "/v2/models/{model_name}/infer", "status_code": "200"}, 96),
                ("rest_server_requests_total", {"path": "/v2/models/{model_name}/infer", "status_code": "500"}, 4),
                ("rest_server_requests_total", {"path": "/v2/models/{model_name}/ready", "status_code": "200"}, 1000),
            ],
        ),
        (
            "bentoml",
            [
                ("bentoml_service_request_total", {"endpoint": "/classify", "http_response_code": "200"}, 96),
                ("bentoml_service_request_total", {"endpoint": "/classify", "http_response_code": "503"}, 4),
                ("bentoml_service_request_total", {"endpoint": "/readyz", "http_response_code": "503"}, 1000),
            ],
        ),
        (
            "ray-serve",
            [
                ("ray_serve_num_http_requests_total", {"route": "/", "status_code": "200"}, 96),
                ("ray_serve_num_http_requests_total", {"route": "/", "status_code": "500"}, 4),
                ("ray_serve_num_http_requests_total", {"route": "/-/healthz", "status_code": "200"}, 1000),
            ],
        ),
        (
            "triton",
            [
                ("nv_inference_request_success", {"model": "a", "version": "1"}, 96),
                ("nv_inference_request_failure", {"model": "a", "version": "1"}, 4),
            ],
        ),
        (
            "vllm",
            [
                ("http_requests_total", {"handler": "/v1/completions", "status": "2xx"}, 96),
                ("http_requests_total", {"handler": "/v1/completions", "status": "5xx"}, 4),
                ("vllm:request_success_total", {"finished_reason": "stop"}, 1000),
            ],
        ),
    ],
)
def test_each_server_is_counted_by_its_own_names(name: str, rows: list[tuple[str, Config, float]]) -> None:
    fake = filled(*((series(metric, **labels), risen) for metric, labels, risen in rows))
    found = fake.client().counts(target(name), SINCE, {})
    assert found == {"live": Tally(), "candidate": Tally(total=100, errors=4)}


def test_a_counter_of_errors_beside_the_counter_of_all_counts_nothing_twice() -> None:
    own = {"requests": {"counters": ["all_total"], "errors": {"counter": "bad_total"}}}
    fake = filled((series("all_total"), 100), (series("bad_total"), 4))
    asked = target("slipway", profile=profile("slipway").model_validate(own))
    assert fake.client().counts(asked, SINCE, {})["candidate"] == Tally(total=100, errors=4)
    assert fake.client().recent(asked, SINCE, 3600)["candidate"] == 0, "one scrape shows no change after another"


def buckets(metric: str, bound: str, quick: float, every: float, **labels: str) -> list[tuple[dict[str, str], float]]:
    return [
        (series(f"{metric}_bucket", le=bound, **labels), quick),
        (series(f"{metric}_bucket", le="+Inf", **labels), every),
    ]


def test_several_histograms_are_judged_each_at_its_own_bound() -> None:
    fake = filled(
        *buckets("vllm:e2e_request_latency_seconds", "2.0", 70, 100),
        *buckets("vllm:time_to_first_token_seconds", "0.25", 40, 90),
    )
    found = fake.client().counts(target("vllm"), SINCE, {"duration": 2000, "first-token": 250})["candidate"]
    assert found.times == {"duration": Arm(bad=30, total=100), "first-token": Arm(bad=50, total=90)}


@each("bound", ["200.0", "200"])
def test_a_histogram_in_milliseconds_is_read_as_either_client_writes_it(bound: str) -> None:
    fake = filled(*buckets("ray_serve_http_request_latency_ms", bound, 70, 100, route="/"))
    found = fake.client().counts(target("ray-serve"), SINCE, {"duration": 200})["candidate"]
    assert found.times == {"duration": Arm(bad=30, total=100)}


def test_a_bound_that_the_histogram_has_not_makes_no_answer_slow() -> None:
    """All would be slow in both slots, so that any version would pass."""
    fake = filled(*buckets("ray_serve_http_request_latency_ms", "100.0", 70, 100, route="/"))
    found = fake.client().counts(target("ray-serve"), SINCE, {"duration": 200})["candidate"]
    assert found.times == {"duration": Arm(bad=0, total=0)}


def proxied(metric: str, service: str, **labels: str) -> dict[str, str]:
    return {"__name__": metric, "service": service, **labels}


@each("name", ["proxy", "triton"])
def test_the_proxys_histogram_times_what_the_server_does_not(name: str) -> None:
    metric = "traefik_service_request_duration_seconds_bucket"
    fake = filled(
        (proxied(metric, MAIN, le="0.3", code="200"), 95),
        (proxied(metric, MAIN, le="+Inf", code="200"), 100),
        (proxied(metric, CANARY, le="0.3", code="200"), 30),
        (proxied(metric, CANARY, le="+Inf", code="200"), 80),
        (proxied("traefik_service_requests_total", CANARY, code="502"), 9),
    )
    asked = target(name, routed=True, proxy="traefik")
    assert fake.client().counts(asked, SINCE, {"duration": 300}) == {
        "live": Tally(times={"duration": Arm(bad=5, total=100)}),
        "candidate": Tally(total=9, errors=9, times={"duration": Arm(bad=50, total=80)}),
    }


def test_ingress_nginx_times_each_slot_too() -> None:
    own = {"ingress": SERVICE, "exported_namespace": NAMESPACE, "exported_service": "llm-blue"}
    name, canary = "nginx_ingress_controller_request_duration_seconds_bucket", "ml-llm-green-web"
    fake = filled(
        ({"__name__": name, **own, "canary": "", "le": "0.25"}, 95),
        ({"__name__": name, **own, "canary": "", "le": "+Inf"}, 100),
        ({"__name__": name, **own, "canary": canary, "le": "0.25"}, 30),
        ({"__name__": name, **own, "canary": canary, "le": "+Inf"}, 80),
    )
    found = fake.client().counts(target("proxy", routed=True, proxy="ingress-nginx"), SINCE, {"duration": 250})
    assert {role: tally.times["duration"] for role, tally in found.items()} == {
        "live": Arm(bad=5, total=100),
        "candidate": Arm(bad=50, total=80),
    }


def test_nobody_knows_what_no_source_has() -> None:
    assert sources.answers(target("proxy")) is None
    assert sources.durations(target("triton"), "duration", 300) is None
    assert sources.durations(target("bentoml", routed=True, proxy="traefik"), "first-token", 300) is None
    assert Fake().client().counts(target("proxy"), SINCE, {"duration": 300})["live"] == Tally(
        times={"duration": Arm(bad=0, total=0)}
    )


def test_a_proxy_that_does_not_show_failed_calls_still_shows_the_split() -> None:
    fake = Fake()
    for service, risen in ((MAIN, 60), (CANARY, 40)):
        rows = [(890, 7), (910, 9), (990, 9 + risen)]
        fake.add(proxied("traefik_service_requests_total", service, code="200"), rows, up=WELL)
    grpc = target("proxy", routed=True, proxy="traefik", proxy_judges=False)
    assert fake.client().recent(grpc, SINCE, 100) == {"live": 60, "candidate": 40}
    assert fake.client().counts(grpc, SINCE, {}) == {"live": Tally(), "candidate": Tally()}
