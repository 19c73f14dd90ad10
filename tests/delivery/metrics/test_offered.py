"""Whether a gate can read what a slot exports is told before any request moves, and never guessed from silence."""

import dataclasses

import pytest

from delivery.errors import MetricsUnavailable
from delivery.metrics.offered import Offered
from models.gate import Gate
from models.vocabulary import SlotName
from tests.delivery.metrics.test_sources import CANARY, MAIN, buckets, proxied, series, target
from tests.delivery.prometheus import Fake, Sample
from tests.samples import Config

NOW = 1000.0
WELL: list[Sample] = [(float(at), 1.0) for at in range(600, 1001, 10)]
LATENCY: Config = {"latency": {"within": "300ms"}}


def seen(*rows: tuple[dict[str, str], float], at: float = 800) -> Fake:
    """A source with these series, each of which rose by so much at one time."""
    fake, known = Fake(), set[str]()
    for labels, risen in rows:
        one = labels.get("instance", "one")
        fake.add(labels, [(600, 7), (at, 7 + risen), (990, 7 + risen)], up=WELL if one not in known else ())
        known.add(one)
    return fake


def faults(fake: Fake, gate: Config, name: str = "fastapi", slot: SlotName = "blue", **changes: object) -> list[str]:
    return list(Offered(fake.client(), target(name, **changes), slot).faults(Gate.model_validate(gate), NOW))


def requests(slot: str = "blue") -> dict[str, str]:
    return series("http_requests_total", slot, handler="/predict", status="2xx")


def timed(metric: str, *bounds: str) -> list[tuple[dict[str, str], float]]:
    return [
        ({**labels, "service": "llm-blue"}, risen) for bound in bounds for labels, risen in buckets(metric, bound, 5, 9)
    ]


DURATION = "http_request_duration_seconds"


def test_what_the_gate_reads_is_there() -> None:
    assert faults(seen((requests(), 50), *timed(DURATION, "0.1", "0.3")), LATENCY) == []


def test_a_bound_that_is_missing_is_refused_with_those_that_exist() -> None:
    fake = seen((requests(), 50), *timed(DURATION, "0.1", "0.5", "1.0"))
    assert faults(fake, LATENCY) == [
        (
            "latency: 300ms is not a bound of http_request_duration_seconds of slot blue, which has the bounds 100, "
            "500, 1000 ms; choose one of them"
        )
    ]


def test_bounds_in_another_unit_are_told_in_milliseconds() -> None:
    fake = seen(*timed("ray_serve_http_request_latency_ms", "100.0", "500.0"))
    (line,) = faults(fake, LATENCY, "ray-serve")
    assert "which has the bounds 100, 500 ms" in line


def test_a_histogram_that_is_missing_though_requests_came_is_refused_with_what_exists() -> None:
    fake = seen((requests(), 50), (series("my_latency_seconds_bucket", "blue", le="+Inf"), 50))
    assert faults(fake, LATENCY) == [
        (
            "latency: slot blue has no series http_request_duration_seconds_bucket; it has http_requests_total, "
            "my_latency_seconds_bucket"
        )
    ]


def test_the_proxys_counts_show_that_a_strangers_histogram_is_missing() -> None:
    """The server counts under names of its own, and the proxy says that it was asked."""
    fake = seen((proxied("traefik_service_requests_total", MAIN, code="200"), 50), (series("my_total", "blue"), 50))
    assert faults(fake, LATENCY, routed=True, proxy="traefik") == [
        (
            "latency: slot blue has no series http_request_duration_seconds_bucket; it has my_total, "
            "traefik_service_requests_total"
        )
    ]


@pytest.mark.parametrize(("risen", "at"), [(0, 800), (4, 800), (50, 985)])
def test_a_slot_that_hardly_anybody_asked_is_not_refused(risen: float, at: float) -> None:
    """A labelled histogram begins with the first request, and the newest request may not be scraped everywhere."""
    asked = (proxied("traefik_service_requests_total", MAIN, code="200"), risen)
    fake = seen(asked, (series("my_total", "blue"), 0), at=at)
    assert faults(fake, LATENCY, routed=True, proxy="traefik") == []


def test_requests_that_no_pod_answered_prove_nothing() -> None:
    fake = seen((proxied("traefik_service_requests_total", MAIN, code="502"), 50), (series("my_total", "blue"), 0))
    assert faults(fake, LATENCY, routed=True, proxy="traefik") == []


def test_a_slot_of_which_nothing_is_known_is_not_refused() -> None:
    assert faults(Fake(), LATENCY) == []
    assert faults(seen((series("my_total", "blue"), 50)), LATENCY) == []


def test_a_counter_that_is_missing_though_the_histogram_has_counted_is_refused() -> None:
    fake = seen(*timed(DURATION, "0.3"))
    count = series(f"{DURATION}_count", "blue")
    fake.add(count, [(600, 7), (990, 16)])
    (line,) = faults(fake, LATENCY)
    assert line.startswith("errors: slot blue has no series http_requests_total; it has http_request_duration_seconds_")


def test_a_proxy_that_counts_the_other_slot_has_only_not_sent_requests_to_this_one_yet() -> None:
    """Pods of the version before, which are gone since a moment, have timed requests in the same slot."""
    count = series(f"{DURATION}_count", "green")
    gone = seen(
        *[({**labels, "service": "llm-green", "slipway_dev_slot": "green"}, n) for labels, n in timed(DURATION, "0.3")]
    )
    gone.add(count, [(600, 7), (990, 16)])
    (line,) = faults(gone, LATENCY, slot="green", routed=True, proxy="traefik")
    assert line.startswith("errors: slot green has no series traefik_service_requests_total; it has http_request_")
    gone.add(proxied("traefik_service_requests_total", MAIN, code="200"), [(600, 7), (990, 57)])
    assert faults(gone, LATENCY, slot="green", routed=True, proxy="traefik") == []


def test_the_other_slots_series_are_not_this_slots() -> None:
    fake = seen((requests("green"), 50), *timed(DURATION, "0.1", "0.3"))
    assert faults(fake, {**LATENCY, "errors": None}, slot="green") == [
        "latency: slot green has no series http_request_duration_seconds_bucket; it has http_requests_total"
    ]
    asked = proxied("traefik_service_requests_total", CANARY, code="200")
    assert faults(seen((asked, 50)), LATENCY, slot="blue", routed=True, proxy="traefik") == []


def test_names_of_the_runtime_are_not_listed() -> None:
    fake = seen((requests(), 50), (series("process_cpu_seconds_total", "blue"), 9), (series("go_threads", "blue"), 9))
    (line,) = faults(fake, LATENCY)
    assert line.endswith("; it has http_requests_total")


def test_what_is_missing_at_the_deadline_is_told_whatever_the_reason() -> None:
    offered = Offered(seen((series("my_total", "blue"), 50)).client(), target("fastapi"), "blue")
    assert offered.guess(Gate.model_validate(LATENCY)) == (
        "slot blue has no series http_requests_total, http_request_duration_seconds_bucket; it has my_total"
    )
    full = seen((requests(), 50), *timed(DURATION, "0.3")).client()
    assert Offered(full, target("fastapi"), "blue").guess(Gate.model_validate(LATENCY)) == ""
    nothing = Offered(Fake().client(), target("fastapi"), "blue").guess(Gate.model_validate({}))
    assert nothing == "slot blue has no series http_requests_total; Prometheus has none of its pods"


def test_a_source_that_is_down_is_not_taken_for_an_answer() -> None:
    fake = dataclasses.replace(Fake(), down=True)
    with pytest.raises(MetricsUnavailable):
        faults(fake, LATENCY)
