"""Metrics profiles are data: what the shipped ones say, which one a service gets, and what is refused."""

import re
from pathlib import Path

import pytest
import yaml

import catalog
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.profile import NOTHING, PROXY, MetricsProfile
from models.resolve import resolve
from models.stack import StackSettings
from serving.telemetry.metrics import BATCH_BUCKETS, INFERENCE_BUCKETS, LATENCY_BUCKETS
from tests.each import each
from tests.queries import exported
from tests.recording import PROJECT
from tests.samples import SLIPWAY, Config, accepted, entry, profile, put, refused, service, stack

SHIPPED = ("bentoml", "fastapi", "mlserver", "proxy", "ray-serve", "slipway", "triton", "vllm")
OWN: Config = {"requests": {"counters": ["answers_total"], "errors": {"label": "code", "values": "5.."}}}


def test_these_are_shipped() -> None:
    assert tuple(catalog.profiles()) == SHIPPED


@each("name", SHIPPED)
def test_each_shipped_profile_is_valid_and_names_its_source(name: str) -> None:
    assert profile(name) != NOTHING
    text = (PROJECT / "catalog" / "profiles" / f"{name}.yaml").read_text()
    assert re.search(r"^# (Source|.*https://)", text, re.MULTILINE), name


def test_our_servers_profile_names_what_our_server_exports() -> None:
    """Every name, label and bound."""
    found, requests = exported(), SLIPWAY.requests
    assert requests
    assert SLIPWAY.build
    assert requests.refused
    assert {requests.errors.label, requests.refused.label, *requests.without} <= set(found[requests.counters[0]])
    names = [*requests.counters, SLIPWAY.queue, SLIPWAY.in_flight, SLIPWAY.build.metric, "process_cpu_seconds_total"]
    names += [f"{histogram.metric}_bucket" for histogram in SLIPWAY.histograms.values()]
    assert set(names) <= set(found)
    assert set(SLIPWAY.build.labels) <= set(found[SLIPWAY.build.metric])
    bounds = {name: histogram.bounds for name, histogram in SLIPWAY.histograms.items()}
    assert bounds == {
        "duration": LATENCY_BUCKETS,
        "wait": LATENCY_BUCKETS,
        "inference": INFERENCE_BUCKETS,
        "batch": BATCH_BUCKETS,
    }


def test_no_metric_of_any_server_is_named_in_the_program() -> None:
    """The examples in the descriptions of a profile's own keys are the only ones."""
    metrics = {metric for one in SHIPPED for metric in _metrics(profile(one))}
    assert {"http_requests_total", "vllm:time_to_first_token_seconds"} <= metrics
    for folder in ("models", "components", "delivery"):
        for path in (PROJECT / folder).rglob("*.py"):
            found = {metric for metric in metrics if metric in path.read_text()}
            assert not found or path.name == "profile.py", (path, found)


def _metrics(found: MetricsProfile) -> set[str]:
    counters = set(found.requests.counters) if found.requests else set[str]()
    return counters | {histogram.metric for histogram in found.histograms.values()}


def chosen(image: Config, **changes: object) -> MetricsProfile:
    """The profile of a service whose image is built so."""
    given = entry(images={"server": image}, services={"web": service(**changes)})
    return accepted(CatalogueEntry, given).service_in("dev", "web").profile


ROUTE: Config = {"route": {"host": "web.example.com"}}


def test_an_image_of_ours_has_our_profile() -> None:
    assert chosen({"context": "serving"}) == chosen({"context": "./serving/"}, **ROUTE) == SLIPWAY


def test_a_strangers_server_is_judged_by_its_proxy() -> None:
    assert chosen({"context": "embedder"}, **ROUTE) == PROXY


def test_nothing_is_known_of_a_strangers_server_without_a_route() -> None:
    assert chosen({"context": "embedder"}) == NOTHING


def test_a_service_may_name_a_profile() -> None:
    assert chosen({"context": "embedder"}, metricsProfile="fastapi") == profile("fastapi")
    assert chosen({"context": "serving"}, metricsProfile="proxy") == profile("proxy")


def test_a_service_may_have_one_written_by_hand() -> None:
    assert chosen({"context": "embedder"}, metricsProfile=OWN) == accepted(MetricsProfile, OWN)


def test_an_entry_may_have_profiles_of_its_own_which_come_first() -> None:
    data = entry(profiles={"ours": OWN, "fastapi": OWN}, services={"web": service(metricsProfile="fastapi")})
    assert accepted(CatalogueEntry, data).service_in("dev", "web").profile == accepted(MetricsProfile, OWN)


def test_an_environment_may_choose_another() -> None:
    data = put(entry(), "environments.dev.services.web", {"metricsProfile": "vllm"})
    made = accepted(CatalogueEntry, data)
    assert made.service_in("dev", "web").profile == profile("vllm")
    assert made.service_in("prod", "web").profile == SLIPWAY


@pytest.mark.parametrize("where", ["services.web.metricsProfile", "environments.dev.services.web.metricsProfile"])
def test_a_misspelt_name_is_refused_with_the_nearest(where: str) -> None:
    (line,) = refused(CatalogueEntry, put(entry(), where, "fastapy"))
    assert line == (
        f"given: {where}: 'fastapy' is not a metrics profile ({', '.join(SHIPPED)}); did you mean 'fastapi'?"
    )


@each(
    ("given", "line"),
    [
        (
            {"requests": {"counters": ["a"], "errors": {}}},
            "requests.errors: selects no requests; set label and values, or counter",
        ),
        (
            {"requests": {"counters": ["a"], "errors": {"label": "code"}}},
            "requests.errors: label and values belong together; set both, or only counter",
        ),
        (
            {"source": "proxy", **OWN},
            "source is proxy, whose series have fixed names; remove requests",
        ),
        (
            {"histograms": {"duration": {"metric": "m", "bounds": [0.1, float("nan")]}}},
            "histograms.duration.bounds.1: nan: must be a finite number",
        ),
        (
            {"histograms": {"duration": {"metric": "m", "bounds": [-0.1]}}},
            "histograms.duration.bounds.0: -0.1: must be at least 0",
        ),
        (
            {"requests": {"counters": ["a b"], "errors": {"counter": "c"}}},
            (
                "requests.counters.0: 'a b': a metric name contains only letters, digits, '_' and ':', and does not "
                "start with a digit"
            ),
        ),
        (
            {"requests": {"counters": ["a"], "without": {"a-b": "x"}, "errors": {"counter": "c"}}},
            (
                "requests.without.a-b: 'a-b': a label of a series contains only letters, digits and '_', and does not "
                "start with a digit"
            ),
        ),
    ],
)
def test_what_means_nothing_is_one_line(given: Config, line: str) -> None:
    assert refused(MetricsProfile, given) == (f"given: {line}",)


def faults(gate: Config, metrics: object, **monitored: object) -> list[str]:
    """The lines of a system whose one service has this gate and profile."""
    spec = service(release={"strategy": "canary", "gate": gate}, metricsProfile=metrics, **monitored, **ROUTE)
    try:
        resolve(accepted(StackSettings, stack()), accepted(CatalogueEntry, entry(services={"web": spec})))
    except ConfigurationError as error:
        return list(error.faults)
    return []


GATE = "catalog/shop.yaml: services.web.release.gate"


def test_a_bound_that_the_histogram_has_not_is_refused() -> None:
    assert faults({"latency": {"within": "400ms"}}, "vllm") == [
        (
            f"{GATE}.latency.within: 400ms is not a bound of vllm:e2e_request_latency_seconds, which has the bounds "
            "300, 500, 800, 1000, 1500, 2000, 2500, 5000, 10000, 15000, 20000, 30000, 40000, 50000, 60000, 120000, "
            "240000, 480000, 960000, 1920000, 7680000 ms; choose one of them"
        )
    ]
    assert faults({"histograms": {"first-token": {"within": "300ms"}}}, "vllm")[0].startswith(
        f"{GATE}.histograms.first-token.within: 300ms is not a bound of vllm:time_to_first_token_seconds"
    )


@each(
    ("gate", "metrics"),
    [
        ({"latency": {"within": "500ms"}, "histograms": {"first-token": {"within": "60ms"}}}, "vllm"),
        ({"latency": {"within": "417ms"}}, "fastapi"),
        ({"latency": {"within": "417ms"}}, "proxy"),
        (
            {"latency": {"within": "70ms"}},
            {"histograms": {"duration": {"metric": "m", "unit": "milliseconds", "bounds": [70]}}},
        ),
        ({"latency": {"within": "9ms"}}, {"histograms": {"duration": {"metric": "m", "bounds": [0.009]}}}),
        (
            {"latency": {"within": "70ms"}},
            {"histograms": {"duration": {"metric": "m", "unit": "microseconds", "bounds": [70000]}}},
        ),
    ],
)
def test_a_bound_that_exists_or_that_nobody_knows_is_accepted(gate: Config, metrics: object) -> None:
    assert faults(gate, metrics) == []


def test_a_histogram_that_the_profile_has_not_is_refused_with_the_nearest() -> None:
    assert faults({"histograms": {"first-tokens": {"within": "100ms"}}}, "vllm") == [
        (
            f"{GATE}.histograms.first-tokens: the metrics profile has no such histogram (duration, first-token, "
            "next-token, wait, inference); did you mean 'first-token'?"
        )
    ]


def test_a_histogram_of_no_time_is_refused() -> None:
    (line,) = faults({"histograms": {"batch": {"within": "8ms"}}}, "slipway")
    assert line == (
        f"{GATE}.histograms.batch.within: inference_batch_size counts requests and measures no time; choose another "
        "histogram"
    )


def test_the_shipped_files_are_yaml_without_surprises() -> None:
    """Both readers agree: ours, and PyYAML."""
    for path in Path(catalog.FOLDER / "profiles").glob("*.yaml"):
        assert yaml.safe_load(path.read_text()) == catalog.profiles()[path.stem]
