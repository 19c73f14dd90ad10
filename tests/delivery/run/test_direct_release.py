"""Whole releases whose gate reads the pods itself: the same outcomes, with kills, and no pass without requests."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery.errors import MetricsForbidden, MetricsUnavailable, Refused
from delivery.metrics.counting import Window
from delivery.metrics.direct import Direct
from delivery.metrics.series import Series
from delivery.metrics.sources import Source
from delivery.run import driver, recheck
from models.cluster import ClusterSettings
from tests.delivery.users import Killed
from tests.delivery.world import CANARY, GATE, SERVICE, World, world
from tests.samples import IMAGE, OTHER_IMAGE, Config

DENIED = (
    "slipway:cluster.metrics is direct, but the account of context prod may not get pods/proxy in namespace web-prod"
)
PLAIN: Config = {"strategy": "rolling", "gate": GATE}

pytestmark = pytest.mark.usefixtures("at_once")


@dataclass
class Pods:
    """One pod in each slot that runs something, with the counters of what its users got."""

    given: World
    error: MetricsUnavailable | None = None
    killed_at: int | None = None
    read: int = 0

    def listed(self, path: str, selector: Mapping[str, str]) -> list[Config]:
        assert (path, selector) == ("/api/v1/namespaces/web-prod/pods", {"app.kubernetes.io/name": SERVICE})
        ports = [{"name": "management", "containerPort": 9000}]
        return [
            {
                "metadata": {
                    "name": f"web-{slot}-0",
                    "uid": version.image,
                    "labels": {"slipway.dev/slot": slot, "slipway.dev/metrics": "management"},
                    "creationTimestamp": "2026-01-01T00:00:00Z",
                },
                "spec": {"containers": [{"ports": ports}]},
                "status": {"phase": "Running", "podIP": "10.0.0.1"},
            }
            for slot, version in self.given.cluster.runs.items()
        ]

    def text(self, address: str) -> str:
        self.read += 1
        if self.read == self.killed_at:
            self.killed_at = None
            raise Killed
        if self.error is not None:
            raise self.error
        slot = address.rpartition("/web-")[2].partition("-")[0]
        users = self.given.prometheus
        total, bad = users.answered(slot, users.opened - 10, users.now())
        lines = {"200": total - bad, "500": bad}
        return "".join(
            f'http_requests_total{{route="/predict",status="{status}"}} {count}\n'
            for status, count in lines.items()
            if count
        )


class Prompt(Direct):
    """Reads before every look, because the tests let a second pass at once."""

    def series(self, source: Source, window: Window) -> Iterable[Series]:
        self.round()
        return super().series(source, (window[0], self.now()) if window[1] > self.now() - 0.05 else window)


def direct(folder: Path, strategy: Config = CANARY) -> tuple[World, Pods]:
    given = world(folder, strategy, metricsProfile="slipway")
    reader = Pods(given)
    settings = ClusterSettings.model_validate({"context": "prod", "metrics": "direct"})
    given.stack.__dict__["metrics"] = Prompt(reader, settings, threads=False)
    return given, reader


def kept(given: World) -> list[Path]:
    return list((given.stack.project / ".slipway" / "delivery").glob("*.reads"))


def test_a_good_version_is_promoted_and_what_was_read_is_dropped(tmp_path: Path) -> None:
    given, reader = direct(tmp_path)
    given.begin()
    assert given.go().result == "promoted"
    assert reader.read > 0
    assert kept(given) == []


def test_a_bad_version_is_rolled_back_and_held(tmp_path: Path) -> None:
    given, _ = direct(tmp_path)
    given.prometheus.bad = 0.2
    outcome = given.released()
    assert outcome.result == "rolled back"
    assert "errors 20 % against 0 %" in outcome.said
    assert [held.image for held in given.service.record().holds] == [OTHER_IMAGE]


@pytest.mark.parametrize("bad", [0.0, 0.2])
@pytest.mark.parametrize("back", [1, 2, 4, 6])
def test_killed_at_any_read_and_resumed_the_verdict_is_the_same(tmp_path: Path, bad: float, back: int) -> None:
    given, reader = direct(tmp_path)
    given.prometheus.bad = bad
    given.begin()
    reader.killed_at = reader.read + back
    with pytest.raises(Killed):
        given.go()
    assert given.go().result == ("rolled back" if bad else "promoted")
    assert kept(given) == []


def test_what_was_bad_while_there_was_no_driver_is_judged(tmp_path: Path) -> None:
    given, reader = direct(tmp_path)
    given.begin()
    reader.killed_at = reader.read + 6
    with pytest.raises(Killed):
        given.go()
    given.prometheus.turns_bad(OTHER_IMAGE, 0.5)
    time.sleep(0)
    assert given.go().result == "rolled back"


@pytest.mark.slow  # waits for a real deadline
def test_without_any_request_there_is_no_pass(tmp_path: Path) -> None:
    given, _ = direct(tmp_path)
    given.prometheus.traffic = 0
    outcome = given.released()
    assert outcome.result == "inconclusive"
    assert given.service.record().verdicts == ()


@pytest.mark.slow  # waits for a real deadline
def test_pods_that_cannot_be_read_blame_nobody(tmp_path: Path) -> None:
    given, reader = direct(tmp_path)
    given.begin()
    reader.error = MetricsUnavailable("/api/v1/…: no answer within 0.9 s: timed out")
    outcome = given.go()
    assert outcome.result == "inconclusive"
    assert "no answer within 0.9 s" in outcome.said
    assert given.service.record().holds == ()


def test_a_missing_right_refuses_the_release_before_anything_is_written(tmp_path: Path) -> None:
    given, reader = direct(tmp_path)
    reader.error = MetricsForbidden(DENIED)
    with pytest.raises(Refused) as raised:
        given.begin()
    assert str(raised.value) == f"prod web: {DENIED}"
    assert (given.service.record().run, given.engine.declared) == (None, [])


def test_a_roll_in_place_has_no_earlier_requests_and_is_judged_by_the_limit_alone(tmp_path: Path) -> None:
    given, _ = direct(tmp_path, PLAIN)
    given.prometheus.bad = 0.2
    outcome = given.released()
    assert outcome.result == "rolled back"
    assert "without a baseline, limit 1 %" in outcome.said


@pytest.mark.parametrize(("bad", "result"), [(0.0, "pass"), (0.2, "fail")])
def test_a_check_watches_until_there_is_a_verdict(tmp_path: Path, bad: float, result: str) -> None:
    given, reader = direct(tmp_path)
    given.prometheus.shares = {IMAGE: bad}
    found = recheck.check(given.service, 600, driver.now())
    assert (found.result, found.look.samples > 0) == (result, True)
    read = reader.read
    assert given.service.record().run is None
    assert reader.read == read


def test_a_check_ends_with_its_window(tmp_path: Path) -> None:
    given, _ = direct(tmp_path)
    given.prometheus.traffic = 0
    assert recheck.check(given.service, 0.05, driver.now()).result == "inconclusive"


def test_a_check_without_the_right_says_so(tmp_path: Path) -> None:
    given, reader = direct(tmp_path)
    reader.error = MetricsForbidden(DENIED)
    with pytest.raises(Refused, match="may not get pods/proxy"):
        recheck.check(given.service, 600, driver.now())
