"""KEDA for real (`make up WITH=keda`): a schedule, an update in the middle, a fallback without metrics, two slots.

The two services stand in one small system. The tests are in the order of the schedule, which begins soon after.
"""

import datetime as dt
import time
from collections.abc import Iterator

import pytest
import yaml

from components.manifests import selectors
from models.metrics import MATCHERS
from tests.cluster import harm, seen
from tests.cluster.copies import SMALL, Copy, entry, running, service
from tests.cluster.releasing import MODEL
from tests.cluster.scaled import Scaled
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import until
from tests.samples import SLIPWAY

pytestmark = pytest.mark.long

NAME, MEASURED, SCHEDULED = "steered", "measured", "scheduled"
AVERAGE, FEW, MORE = 20, 30, 40
"""Requests per second: what a pod is to have, what takes two of them, and what comes on top and takes four in all."""
FEWEST, MOST, BUSY, RUSH, FALLBACK = 1, 5, 2, 4, 4
WEIGHT, SHARES = 20, (3, 1)
"""Percent of the requests that the other slot answers, and the pods that 56 and 14 requests/s take."""
SOON_SECONDS, WINDOW = 90, dt.timedelta(minutes=2)
"""From before the system is up to the begin of the window, and its length."""
READY_SECONDS = 45
"""From the begin of the window until all of its pods get requests: a peak may follow after that."""
DEAD_SECONDS = 90
QUICK: Json = {"scaleDown": {"stabilization": "30s"}}
"""Five minutes by default."""
OWN = f'{MATCHERS},service=~"{MEASURED}-.*"'
WITHOUT_PROBES = selectors.without(SLIPWAY.requests.without if SLIPWAY.requests else {})
QUERY = f"sum(rate(http_requests_total{{{OWN}{WITHOUT_PROBES}}}[15s])) or 0 * count(up{{{OWN}}} == 1)"
"""As docs/scaling.md has it: a slot that nobody asks has 0 requests, one that nobody scrapes has no answer."""


def window() -> tuple[dt.datetime, dt.datetime]:
    """The first full minutes that begin late enough."""
    first = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=SOON_SECONDS + 59)
    begin = first.replace(second=0, microsecond=0)
    return begin, begin + WINDOW


def cron(moment: dt.datetime) -> str:
    return f"{moment.minute} {moment.hour} {moment.day} {moment.month} *"


def content(begin: dt.datetime, end: dt.datetime, **environment: str) -> Json:
    """The entry, with variables of the measured server's environment."""
    load: Json = {"prometheus": {"query": QUERY, "threshold": AVERAGE}}
    peak: Json = {"cron": {"timezone": "UTC", "start": cron(begin), "end": cron(end), "replicas": 3}}
    range_: Json = {"minReplicas": FEWEST, "maxReplicas": MOST, "behavior": QUICK}
    fallback = {"failureThreshold": 2, "replicas": FALLBACK}
    measured = {**range_, "triggers": {"load": load}, "fallback": fallback}
    scheduled = {**range_, "triggers": {"peak": peak}}
    resources = {**SMALL, "requests": {**SMALL["requests"], "cpu": "100m"}}
    services = {
        MEASURED: service(MEASURED, MODEL, resources=resources, scaling=measured, env=environment),
        SCHEDULED: service(SCHEDULED, MODEL, resources=resources, scaling=scheduled),
    }
    return entry(NAME, services)


@pytest.fixture(scope="module")
def schedule() -> tuple[dt.datetime, dt.datetime]:
    return window()


@pytest.fixture(scope="module")
def system(
    schedule: tuple[dt.datetime, dt.datetime], stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Copy]:
    with running(stack, tmp_path_factory.mktemp(NAME), content(*schedule)) as copy:
        yield copy


@pytest.fixture(scope="module")
def measured(system: Copy) -> Scaled:
    return Scaled(system, MEASURED)


@pytest.fixture(scope="module")
def scheduled(system: Copy) -> Scaled:
    return Scaled(system, SCHEDULED)


@pytest.fixture(scope="module", autouse=True)
def load(
    system: Copy, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[seen.Load]:
    """A load that two pods bear, through the whole module."""
    with seen.running(system.ingress(MEASURED), pictures[0][0], tmp_path_factory.mktemp("few"), per_second=FEW) as few:
        yield few


def test_a_schedule_has_its_pods_there_before_the_peak(
    scheduled: Scaled, schedule: tuple[dt.datetime, dt.datetime], facts: list[str]
) -> None:
    begin = schedule[0].timestamp()
    assert time.time() < begin, "the system was up too late: nothing is shown"
    assert scheduled.wanted() == FEWEST
    decided, _ = until(lambda: scheduled.wanted() == 3, begin - time.time() + READY_SECONDS, "the schedule begins")
    there, _ = until(lambda: len(scheduled.pods()) == 3, begin - time.time() + READY_SECONDS, "its pods are ready")
    facts.append(
        f"KEDA's schedule: 1 → 3 pods wanted {decided - begin:.0f} s after the window began, ready after "
        f"{there - begin:.0f} s"
    )
    assert decided >= begin


def test_an_update_in_mid_scale_keeps_the_count_and_the_next_preview_is_empty(  # noqa: PLR0913, PLR0917 -- fixtures
    measured: Scaled,
    system: Copy,
    schedule: tuple[dt.datetime, dt.datetime],
    load: seen.Load,
    pictures: list[tuple[bytes, str]],
    tmp_path_factory: pytest.TempPathFactory,
    facts: list[str],
) -> None:
    until(lambda: measured.wanted() == BUSY, 120, "it follows its requests")
    began = time.time()
    folder = tmp_path_factory.mktemp("more")
    with seen.running(system.ingress(MEASURED), pictures[0][0], folder, per_second=MORE) as more:
        decided, _ = until(lambda: measured.wanted() > BUSY, 60, "scaled out")
        until(lambda: measured.wanted() == RUSH, 60, "as many pods as it takes")
        file = system.folder / "catalog" / f"{NAME}.yaml"
        file.write_text(yaml.safe_dump(content(*schedule, CHANGED="yes"), sort_keys=False))
        system.up()
        kept = measured.wanted()
        done = system.pulumi("preview", "--expect-no-changes")
        lost = seen.machinery(load.since(began)) + seen.machinery(more.since(began))
    facts.append(
        f"KEDA on requests: {FEW} → {FEW + MORE} requests/s: scaled out after {decided - began:.1f} s; an update in "
        f"the middle kept {kept} pods; lost {dict(lost)}"
    )
    assert kept == RUSH
    assert done.returncode == 0, done.stdout + done.stderr
    assert not lost


def test_after_the_window_the_schedule_s_pods_go(
    scheduled: Scaled, schedule: tuple[dt.datetime, dt.datetime], facts: list[str]
) -> None:
    end = schedule[1].timestamp()
    if time.time() < end:
        assert scheduled.wanted() == 3
    gone, _ = until(lambda: scheduled.wanted() == FEWEST, max(0.0, end - time.time()) + 120, "the window is over")
    facts.append(f"KEDA's schedule: 3 → 1 pods {gone - end:.0f} s after the window's end")
    assert gone >= end


def test_without_its_metrics_it_has_the_fallback_and_never_the_minimum(
    measured: Scaled, system: Copy, load: seen.Load, facts: list[str]
) -> None:
    until(lambda: measured.wanted() == BUSY, 120, "it has what its requests take")
    began, fewest = time.time(), BUSY
    with harm.paused("prometheus"):
        reached = 0.0
        while time.time() - began < DEAD_SECONDS:
            count = measured.wanted()
            fewest = min(fewest, count)
            reached = reached or (time.time() - began) * (count == FALLBACK)
            time.sleep(1)
        kept, fallen = measured.wanted(), condition(system, f"{MEASURED}-blue", "Fallback")
    assert (kept, fallen) == (FALLBACK, "True")
    assert fewest == BUSY
    resumed = time.time()
    normal, _ = until(lambda: measured.wanted() == BUSY, 120, "it follows its requests again")
    lost = seen.machinery(load.since(began))
    facts.append(
        f"KEDA without Prometheus for {DEAD_SECONDS} s: {FALLBACK} pods (fallback) after {reached:.0f} s, never fewer "
        f"than {fewest}; with it back {BUSY} again after {normal - resumed:.0f} s; lost {dict(lost)}"
    )
    assert not lost


def test_each_slot_follows_its_own_share_of_the_requests(
    measured: Scaled,
    system: Copy,
    pictures: list[tuple[bytes, str]],
    tmp_path_factory: pytest.TempPathFactory,
    facts: list[str],
) -> None:
    green = Scaled(system, MEASURED, slot="green")
    system.up({MEASURED: {"live": "blue", "slots": {"blue": {}, "green": {"server": {"topK": 5}}}, "weight": WEIGHT}})
    folder = tmp_path_factory.mktemp("both")
    with seen.running(system.ingress(MEASURED), pictures[0][0], folder, per_second=MORE):
        until(lambda: measured.wanted() == SHARES[0], 90, "the live slot has what its share takes")
        time.sleep(20)  # four looks of the HPA: the other slot would follow the sum by now
        counts = (measured.wanted(), green.wanted())
    facts.append(f"KEDA, two slots at 80 : 20 of {FEW + MORE} requests/s: {counts[0]} and {counts[1]} pods")
    assert counts == SHARES


def condition(system: Copy, name: str, kind: str) -> str:
    """The status of one of a ScaledObject's conditions."""
    conditions = system.found("scaledobject", name)["status"]["conditions"]
    return next(str(one["status"]) for one in conditions if one["type"] == kind)
