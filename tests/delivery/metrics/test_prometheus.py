"""Requests, errors and slow answers of each slot, as Prometheus' samples have them."""

import dataclasses
from typing import Any

import httpx
import pytest

from delivery.errors import MetricsUnavailable
from delivery.metrics.prometheus import Tally
from delivery.metrics.sources import Target
from models.delivery import Arm
from tests.delivery.prometheus import Fake, Sample
from tests.samples import SLIPWAY

SERVICE, NAMESPACE = "digits", "ml"
BEHIND = Target(
    namespace=NAMESPACE,
    service=SERVICE,
    slots={"live": "blue", "candidate": "green"},
    routed=True,
    driver="nginx",
    proxy="traefik",
    profile=SLIPWAY,
)
ALONE = dataclasses.replace(BEHIND, proxy=None)
SINCE = 900.0
WELL: list[Sample] = [(float(at), 1.0) for at in range(600, 1001, 10)]
MAIN = "ml-digits-digits-blue-web@kubernetesingressnginx"
CANARY = "ml-digits-digits-blue-web-canary@kubernetesingressnginx"


def traefik(service: str, code: str = "200", **labels: str) -> dict[str, str]:
    return {"__name__": "traefik_service_requests_total", "service": service, "code": code, **labels}


def server(slot: str, status: str = "200", **labels: str) -> dict[str, str]:
    own = {"namespace": NAMESPACE, "service": f"{SERVICE}-{slot}", "slipway_dev_slot": slot, "route": "/predict"}
    return {"__name__": "http_requests_total", "instance": f"{slot}-pod", "status": status, **own, **labels}


def bucket(slot: str, le: str) -> dict[str, str]:
    return {**server(slot), "__name__": "http_request_duration_seconds_bucket", "le": le}


def vector(*values: str) -> dict[str, Any]:
    """An instant vector as Prometheus writes it."""
    rows: list[dict[str, Any]] = [{"metric": {"slot": str(at)}, "value": [1, value]} for at, value in enumerate(values)]
    return {"resultType": "vector", "result": rows}


def total(fake: Fake, target: Target = BEHIND) -> dict[str, int]:
    return {role: tally.total for role, tally in fake.client().counts(target, SINCE, {}).items()}


@pytest.fixture
def fake() -> Fake:
    found = Fake()
    found.add(traefik("other@kubernetesingressnginx"), [(890, 5), (990, 50)], up=WELL)
    return found


def test_both_slots_are_counted_by_the_proxy(fake: Fake) -> None:
    fake.add(traefik(MAIN), [(890, 1000), (910, 1080), (990, 1160)])
    fake.add(traefik(CANARY), [(890, 10), (990, 40)])
    fake.add(traefik(CANARY, "502"), [(890, 2), (990, 9)])
    fake.add(traefik(CANARY, "404"), [(890, 2), (990, 3)])
    assert fake.client().counts(BEHIND, SINCE, {}) == {
        "live": Tally(total=160),
        "candidate": Tally(total=38, errors=7),
    }


def test_the_first_error_counts_though_its_series_is_new(fake: Fake) -> None:
    fake.add(traefik(CANARY, "500"), [(990, 1)])
    assert fake.client().counts(BEHIND, SINCE, {})["candidate"] == Tally(total=1, errors=1)


def test_a_counter_that_was_gone_before_the_window_begins_anew() -> None:
    """Traefik forgets a canary that is removed: the next release's requests are not those of the last one."""
    fake = Fake()
    fake.add(traefik(CANARY), [(700, 500), (800, None), (910, 600)], up=WELL)
    assert total(fake)["candidate"] == 600


def test_a_failed_scrape_at_the_start_makes_nothing_new() -> None:
    """Prometheus drops all series of a target that does not answer once: its counters did not begin again."""
    fake = Fake()
    missed: list[Sample] = [(at, 0.0 if at == 900 else value) for at, value in WELL]
    fake.add(traefik(MAIN), [(890, 1_000_000), (900, None), (910, 1_000_005)], up=missed)
    assert total(fake)["live"] == 5


def test_an_error_that_is_first_seen_after_a_failed_scrape_is_counted() -> None:
    """The first 500 of a bad version: at the last scrape that went well there was none."""
    fake = Fake()
    missed: list[Sample] = [(at, 0.0 if at == 900 else value) for at, value in WELL]
    fake.add(traefik(MAIN), [(890, 100), (900, None), (910, 110)], up=missed)
    fake.add({**traefik(MAIN), "code": "500"}, [(910, 7), (920, 9)])
    assert fake.client().counts(BEHIND, SINCE, {})["live"].errors == 9


def test_an_old_process_that_prometheus_first_meets_counts_from_its_first_sample() -> None:
    fake = Fake()
    fake.add(traefik(MAIN), [(910, 1_000_000), (920, 1_000_005)], up=[(910, 1.0)])
    fake.add({"__name__": "process_start_time_seconds"}, [(910, 20.0)])
    assert total(fake)["live"] == 5


def test_a_pod_that_started_in_the_window_counts_from_nothing() -> None:
    fake = Fake()
    fake.add(server("green"), [(950, 30), (990, 70)], up=[(950, 1.0), (990, 1.0)])
    fake.add({"__name__": "process_start_time_seconds", "instance": "green-pod"}, [(990, 940.0)])
    assert total(fake, ALONE)["candidate"] == 70


def test_a_pod_that_is_gone_has_answered_what_it_answered() -> None:
    fake = Fake()
    up: list[Sample] = [(890, 1.0), (950, None)]
    fake.add(server("blue"), [(890, 100), (940, 130), (950, None)], up=up)
    assert total(fake, ALONE)["live"] == 30


def test_a_restarted_process_goes_on_counting() -> None:
    fake = Fake()
    fake.add(server("blue"), [(890, 100), (910, 120), (930, 5), (990, 15)], up=WELL)
    assert total(fake, ALONE)["live"] == 35


def test_what_was_before_the_window_or_after_its_end_is_left_out(fake: Fake) -> None:
    fake.add(traefik(MAIN), [(700, 1), (890, 10), (910, 30), (950, 60), (990, 100)])
    counts = fake.client().counts(BEHIND, SINCE, {}, until=960.0)
    assert counts["live"].total == 50


def test_without_a_proxys_counters_the_servers_own_are_taken_and_probes_are_no_requests() -> None:
    fake = Fake()
    fake.add(server("green"), [(890, 5), (990, 45)], up=WELL)
    fake.add(server("green", "503"), [(990, 4)])
    fake.add(server("green", "503", route="/v2/health/ready"), [(990, 99)])
    fake.add(server("green", namespace="elsewhere"), [(990, 99)])
    assert fake.client().counts(ALONE, SINCE, {})["candidate"] == Tally(total=44, errors=4)


def test_without_a_route_the_proxy_has_counted_nothing() -> None:
    fake = Fake()
    fake.add(server("green"), [(890, 5), (990, 45)], up=WELL)
    assert total(fake, dataclasses.replace(BEHIND, routed=False)) == {"live": 0, "candidate": 40}


def test_slow_answers_are_the_servers_that_the_bound_does_not_hold(fake: Fake) -> None:
    for slot, quick, every in (("blue", 95, 100), ("green", 30, 80)):
        fake.add(bucket(slot, "0.3"), [(890, 7), (990, 7 + quick)], up=WELL)
        fake.add(bucket(slot, "0.5"), [(890, 8), (990, 1000)])
        fake.add(bucket(slot, "+Inf"), [(890, 9), (990, 9 + every)])
    assert fake.client().counts(BEHIND, SINCE, {"duration": 300}) == {
        "live": Tally(times={"duration": Arm(bad=5, total=100)}),
        "candidate": Tally(times={"duration": Arm(bad=50, total=80)}),
    }


def test_a_bound_of_whole_seconds_is_spelled_as_the_servers_do(fake: Fake) -> None:
    fake.add(bucket("green", "1.0"), [(890, 0), (990, 3)], up=WELL)
    fake.add(bucket("green", "+Inf"), [(890, 0), (990, 4)])
    assert fake.client().counts(BEHIND, SINCE, {"duration": 1000})["candidate"] == Tally(
        times={"duration": Arm(bad=1, total=4)}
    )


def test_a_roll_in_place_has_a_candidate_alone(fake: Fake) -> None:
    fake.add(traefik(MAIN), [(890, 1000), (990, 1160)])
    target = dataclasses.replace(BEHIND, slots={"candidate": "blue"})
    assert fake.client().counts(target, SINCE, {}) == {"candidate": Tally(total=160)}


def test_recent_requests_are_of_scrapes_after_the_change_alone(fake: Fake) -> None:
    fake.add(traefik(MAIN), [(899, 100), (901, 140), (903, 150), (999, 170)])
    fake.add(traefik(CANARY), [(899, 10), (901, 30), (903, 30), (999, 30)])
    assert fake.client().recent(BEHIND, SINCE, 3600) == {"live": 30, "candidate": 0}
    assert fake.client().recent(BEHIND, SINCE, 2.0) == {"live": 20, "candidate": 0}


def test_recent_requests_of_a_series_that_the_change_made_are_all_of_them(fake: Fake) -> None:
    fake.add(traefik(CANARY), [(901, 4), (902, 9)])
    assert fake.client().recent(BEHIND, SINCE, 3600) == {"live": 0, "candidate": 9}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (vector("0.93"), 0.93),
        ({"resultType": "scalar", "result": [1, "7"]}, 7.0),
        (vector(), None),
        (vector("NaN"), None),
        (vector("+Inf"), None),
    ],
)
def test_a_querys_number_is_given_where_there_is_one(fake: Fake, data: object, value: float | None) -> None:
    fake.values["accuracy"] = data
    assert fake.client().value("accuracy") == value


def test_several_numbers_are_none(fake: Fake) -> None:
    fake.values["accuracy"] = vector("1", "1")
    with pytest.raises(MetricsUnavailable, match="a check requires one number"):
        fake.client().value("accuracy")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, text="<html>login</html>"), "returns status 200 without a Prometheus result"),
        (httpx.Response(502, text="bad gateway"), "returns status 502"),
        (httpx.Response(200, json={"status": "success"}), "without a Prometheus result"),
        (httpx.Response(400, json={"status": "error", "error": "parse error"}), "rejects accuracy: parse error"),
        (httpx.Response(200, json=[]), "without a Prometheus result"),
    ],
)
def test_whatever_is_no_answer_is_one_line(fake: Fake, answer: httpx.Response, said: str) -> None:
    fake.values["accuracy"] = answer
    with pytest.raises(MetricsUnavailable, match=said) as caught:
        fake.client().value("accuracy")
    assert "\n" not in str(caught.value)


def test_a_source_that_is_down_is_named(fake: Fake) -> None:
    fake.down = True
    with pytest.raises(MetricsUnavailable, match="http://prometheus does not answer: connection refused"):
        fake.client().counts(BEHIND, SINCE, {})
