"""What the driver counts itself, and that it counts nothing that it cannot prove to lie inside the window."""

import dataclasses
from collections.abc import Mapping
from threading import Event
from time import sleep

import pytest

from delivery.errors import MetricsUnavailable
from delivery.metrics.counting import Tally
from delivery.metrics.direct import Direct
from delivery.metrics.sources import Target
from models.cluster import ClusterSettings
from models.delivery import Arm
from tests.delivery.metrics import scraped
from tests.delivery.metrics.scraped import NAMESPACE, SERVICE, World, bucket, server, traefik, watched
from tests.samples import SLIPWAY, Config

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


@pytest.fixture
def world() -> World:
    """A proxy that has run for long, and one pod in each slot."""
    found = World()
    found.add("traefik-1", created=10.0).counts.update({traefik("blue"): 1_000_000, traefik("green"): 70})
    found.add("digits-blue-1", "blue", created=10.0).counts.update({server(): 1_000_000})
    found.add("digits-green-1", "green", created=990.0).counts.update({server(): 5})
    return found


def test_the_proxy_counts_both_slots_from_the_windows_start(world: World) -> None:
    direct, proxy = world.direct(), world.processes["traefik-1"]
    with watched(direct, BEHIND):
        since = world.now = 1001.0
        proxy.counts.update({traefik("blue"): 80, traefik("green"): 18, traefik("green", "502"): 2})
        world.now = 1002.0
        direct.round()
        assert direct.counts(BEHIND, since, {}) == {"live": Tally(total=80), "candidate": Tally(total=20, errors=2)}


def test_without_a_proxy_the_pods_of_the_slots_are_read_at_their_management_port(world: World) -> None:
    direct = world.direct()
    with watched(direct, ALONE, duration=300):
        world.processes["digits-green-1"].counts.update(
            {server(): 30, server("500"): 10, bucket("0.3"): 25, bucket("+Inf"): 40}
        )
        world.now += 1
        direct.round()
        found = direct.counts(ALONE, 1000.0, {"duration": 300})
    assert found["candidate"] == Tally(total=40, errors=10, times={"duration": Arm(bad=15, total=40)})
    assert not any("/ingress-nginx/" in asked for asked in world.asked)


def test_a_counter_that_rises_only_in_its_slow_buckets_makes_all_answers_slow(world: World) -> None:
    green, direct = world.processes["digits-green-1"], world.direct()
    green.counts.update({bucket("0.3"): 9, bucket("+Inf"): 9})
    with watched(direct, ALONE, duration=300):
        green.counts.update({bucket("+Inf"): 20})
        world.now += 1
        direct.round()
        assert direct.counts(ALONE, 1000.0, {"duration": 300})["candidate"].times["duration"] == Arm(bad=20, total=20)


def test_a_restart_begins_at_nothing_and_a_vanished_pods_counts_stay(world: World) -> None:
    blue, green, direct = world.processes["digits-blue-1"], world.processes["digits-green-1"], world.direct()
    with watched(direct, ALONE):
        blue.counts.update({server(): 50})
        green.counts.update({server("500"): 3})
        world.now += 1
        direct.round()
        blue.counts.clear()
        blue.counts.update({server(): 7})
        green.gone = True
        world.now += 1
        direct.round()
        world.now += 3
        direct.round()
        assert direct.counts(ALONE, 1000.0, {}) == {"live": Tally(total=57), "candidate": Tally(total=3, errors=3)}


def test_a_pod_that_is_created_in_the_window_counts_from_nothing_and_an_unknown_one_from_its_first_read(
    world: World,
) -> None:
    direct = world.direct()
    world.processes["digits-blue-1"].silent = True
    with watched(direct, ALONE):
        world.now = 1004.0
        direct.round()
        world.add("digits-green-2", "green", created=1005.0).counts.update({server(): 8})
        world.processes["digits-blue-1"].silent = False
        world.now = 1007.0
        direct.round()
        world.processes["digits-blue-1"].counts.update({server(): 2})
        world.now = 1008.0
        direct.round()
        assert direct.counts(ALONE, 1004.5, {}) == {"live": Tally(total=2), "candidate": Tally(total=8)}


def test_an_old_process_that_restarts_in_the_window_is_not_counted_from_its_first_read(world: World) -> None:
    """Its start is newer than the window's, but the first read was of the process before."""
    blue, direct = world.processes["digits-blue-1"], world.direct()
    blue.silent = True
    with watched(direct, ALONE):
        blue.silent, world.now = False, 1007.0
        direct.round()
        blue.counts.clear()
        blue.started = world.now = 1008.0
        blue.counts.update({server(): 4})
        direct.round()
        assert direct.counts(ALONE, 1006.0, {})["live"] == Tally(total=4)


def test_a_process_that_began_in_the_window_counts_from_nothing_though_its_pod_is_old(world: World) -> None:
    blue, direct = world.processes["digits-blue-1"], world.direct()
    blue.silent = True
    with watched(direct, ALONE):
        blue.counts.clear()
        blue.silent, blue.started, world.now = False, 1011.0, 1012.0
        blue.counts.update({server(): 6})
        direct.round()
        assert direct.counts(ALONE, 1010.0, {})["live"] == Tally(total=6)


def test_one_failed_read_loses_nothing(world: World) -> None:
    green, direct = world.processes["digits-green-1"], world.direct()
    with watched(direct, ALONE):
        for step in range(1, 5):
            green.silent = step == 2
            green.counts.update({server(): 10})
            world.now += 1
            direct.round()
        assert direct.counts(ALONE, 1000.0, {})["candidate"] == Tally(total=40)


def test_the_first_error_after_a_failed_read_is_counted_in_full(world: World) -> None:
    green, direct = world.processes["digits-green-1"], world.direct()
    with watched(direct, ALONE):
        world.now, green.silent = 1001.0, True
        direct.round()
        green.silent, world.now = False, 1002.0
        green.counts.update({server("500"): 6})
        direct.round()
        assert direct.counts(ALONE, 1001.5, {})["candidate"] == Tally(total=6, errors=6)


def test_what_was_read_too_long_before_the_window_is_no_beginning(world: World) -> None:
    """A release that waited for a person has requests that belong to no window."""
    proxy, direct = world.processes["traefik-1"], world.direct()
    with watched(direct, BEHIND):
        proxy.counts.update({traefik("blue"): 5000})
        world.now = 1060.0
        direct.round()
        assert direct.counts(BEHIND, 1059.0, {})["live"] == Tally()


def test_the_newest_split_is_observed_from_the_newest_reads(world: World) -> None:
    proxy, direct = world.processes["traefik-1"], world.direct()
    with watched(direct, BEHIND):
        for _ in range(6):
            world.now += 1
            proxy.counts.update({traefik("blue"): 80, traefik("green"): 20})
            direct.round()
        assert direct.recent(BEHIND, 1000.5, 3.0) == {"live": 240, "candidate": 60}


def test_a_source_that_was_not_read_for_long_answers_nothing(world: World) -> None:
    direct, proxy = world.direct(), world.processes["traefik-1"]
    with pytest.raises(MetricsUnavailable, match="only while a release or a check runs"):
        direct.counts(BEHIND, 1000.0, {})
    with watched(direct, BEHIND):
        proxy.silent, world.now = True, 1004.0
        direct.round()
        direct.counts(BEHIND, 1000.0, {})
        world.now = 1006.0
        direct.round()
        with pytest.raises(MetricsUnavailable, match=r"traefik-1:9100/proxy/metrics: no answer within 0\.9 s"):
            direct.counts(BEHIND, 1000.0, {})


def test_a_proxy_that_is_not_found_is_told_with_the_setting(world: World) -> None:
    world.processes["traefik-1"].gone = True
    direct = world.direct()
    with watched(direct, BEHIND), pytest.raises(MetricsUnavailable) as raised:
        direct.counts(BEHIND, 1000.0, {})
    assert str(raised.value) == (
        "there are no running pods app.kubernetes.io/name=traefik in namespace ingress-nginx "
        "(slipway:cluster.proxyPods)"
    )


def test_pods_without_a_port_for_metrics_are_no_pods_without_requests(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = world.listed

    def closed(path: str, selector: Mapping[str, str]) -> list[Config]:
        return [pod | {"spec": {"containers": [{"name": "server"}]}} for pod in listed(path, selector)]

    monkeypatch.setattr(world, "listed", closed)
    direct = world.direct()
    with watched(direct, ALONE), pytest.raises(MetricsUnavailable, match="in namespace ml have no port for metrics"):
        direct.counts(ALONE, 1000.0, {})


def test_a_service_that_has_no_pods_yet_has_no_requests(world: World) -> None:
    for name in ("digits-blue-1", "digits-green-1"):
        world.processes[name].gone = True
    direct = world.direct()
    with watched(direct, ALONE):
        assert direct.counts(ALONE, 1000.0, {}) == {"live": Tally(), "candidate": Tally()}


def test_only_the_services_own_series_are_kept(world: World) -> None:
    proxy, direct = world.processes["traefik-1"], world.direct()
    other = scraped.PROXY, (("code", "200"), ("service", "other@kubernetesingressnginx"))
    proxy.counts.update({other: 9})
    with watched(direct, BEHIND):
        world.now += 1
        proxy.counts.update({other: 9})
        direct.round()
        assert direct.counts(BEHIND, 1000.0, {}) == {"live": Tally(), "candidate": Tally()}
        assert direct.labels([], "service") == set()


def test_a_query_is_asked_of_prometheus_or_refused(world: World) -> None:
    with pytest.raises(
        MetricsUnavailable, match=r"accuracy: a query needs Prometheus; set slipway:cluster\.metricsUrl"
    ):
        world.direct().value("accuracy")


def test_a_process_whose_read_does_not_end_is_not_read_again_and_holds_up_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.metrics.watch._FIRST_SECONDS", 0.1)
    ends, read, text = Event(), world.text, list[str]()

    def reading(address: str) -> str:
        text.append(address)
        if "digits-blue" in address:
            ends.wait(10)
        return read(address)

    monkeypatch.setattr(world, "text", reading)
    direct = Direct(world, ClusterSettings(context="prod", metrics="direct"), clock=lambda: world.now)
    with watched(direct, ALONE):
        for _ in range(10):
            direct.round()
            sleep(0.02)
        ends.set()
    assert sum("digits-blue" in address for address in text) == 1
    assert sum("digits-green" in address for address in text) > 5
