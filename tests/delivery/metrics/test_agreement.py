"""Both sources count the same requests of the same processes, and so come to the same verdict."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from delivery.judge import verdicts
from delivery.metrics.counting import Tally
from delivery.metrics.sources import Target
from models.delivery import Arm
from tests.delivery.metrics.scraped import Process, World, bucket, server, traefik, watched
from tests.delivery.metrics.test_direct import ALONE, BEHIND

SECONDS, SINCE = 60, 20
"""Of a history, and when its window begins."""
HISTORIES = 40
SOON = 3.0
"""Seconds; measured: a median of 2.4, and 18.8 with scrapes each 30 s."""
BESIDE = 2
"""Seconds at the window's start in which nothing happens."""
OLD = 10.0
Step = Callable[[World, Random], None]


def busy(world: World, random: Random) -> None:
    """Let every process answer requests for a second."""
    for one in world.running():
        slots = [one.slot] if one.slot else ["blue", "green"]
        for slot in slots:
            for _ in range(random.randrange(12)):
                bad = random.random() < (0.2 if slot == "green" else 0.02)
                one.counts[
                    traefik(slot, "502" if bad else "200") if not one.slot else server("500" if bad else "200")
                ] += 1
                if one.slot:
                    one.counts[bucket("+Inf")] += 1
                    one.counts[bucket("0.3")] += not bad


def restarts(world: World, random: Random) -> None:
    """Let a process begin anew."""
    one = _any(world, random)
    one.counts.clear()
    one.started = world.now


def replaced(world: World, random: Random) -> None:
    """Let a pod go, and another one of its slot come.

    Not one that came in the window: when it is gone, Prometheus no longer knows that it was new, and the driver does.
    """
    one = random.choice([one for one in world.running() if one.created == OLD] or [world.add("digits-blue-x", "blue")])
    one.gone = True
    world.add(f"{one.name.rpartition('-')[0]}-{len(world.processes)}", one.slot)


def fails_once(world: World, random: Random) -> None:
    """Let a process not answer the next scrape."""
    _any(world, random).silent = True


def _any(world: World, random: Random) -> Process:
    return random.choice(world.running())


def begun() -> World:
    world = World()
    for name, slot in (("traefik-1", ""), ("traefik-2", ""), ("digits-blue-1", "blue"), ("digits-blue-2", "blue")):
        world.add(name, slot, created=OLD)
    world.add("digits-green-1", "green", created=OLD)
    return world


def played(
    target: Target, seed: int, events: list[Step], *, later: float = 0.0
) -> tuple[dict[str, Tally], dict[str, Tally], Counter[str], int]:
    """Return the counts of Prometheus and of the driver, the busiest second of each role, and how many events came.

    ``later`` is the time after Prometheus' scrape at which the driver reads, in seconds.
    """
    random, world, within, happened = Random(seed), begun(), {"duration": 300}, 0  # noqa: S311 -- a simulation
    busiest, since = Counter[str](), world.now + SINCE
    direct = world.direct()
    with watched(direct, target, **within):
        for second in range(SECONDS):
            world.scraped()
            before = _answered(world, target)
            if later:
                busy(world, random)
                world.now += later
            direct.round()
            for one in world.running():
                one.silent = False
            # After a failure just there, Prometheus takes a value from before a restart for the window's beginning.
            if events and random.random() < 0.2 and abs(second - SINCE) > BESIDE:
                happened += 1
                random.choice(events)(world, random)
            busy(world, random)
            world.now += 1 - later
            for role, answered in _answered(world, target).items():
                busiest[role] = max(busiest[role], answered - before[role])
        for one in world.running():
            one.silent = False
        world.scraped()
        direct.round()
        prometheus = world.asks_prometheus().client().counts(target, since, within)
        return prometheus, direct.counts(target, since, within), busiest, happened


def _answered(world: World, target: Target) -> Counter[str]:
    found = Counter[str]()
    for one in world.processes.values():
        for (metric, labels), value in one.counts.items():
            own = dict(labels)
            slot = one.slot or ("green" if "-canary@" in own["service"] else "blue")
            if bool(one.slot) == (target.proxy is None) and not metric.endswith("_bucket"):
                found[target.role_of(slot) or ""] += value
    return found


@pytest.mark.slow
@pytest.mark.parametrize("target", [BEHIND, ALONE], ids=["proxy", "servers"])
def test_scraped_at_the_same_moments_both_count_exactly_the_same(target: Target) -> None:
    for seed in range(HISTORIES):
        prometheus, direct, _, _ = played(target, seed, [restarts, replaced, fails_once])
        assert direct == prometheus, f"seed {seed}"
        assert direct["candidate"].total > 100, "something is compared"
        assert direct["candidate"].errors > 10


@pytest.mark.slow
@pytest.mark.parametrize("target", [BEHIND, ALONE], ids=["proxy", "servers"])
def test_scraped_at_other_moments_they_differ_by_at_most_one_scrapes_requests(target: Target) -> None:
    differ = 0
    for seed in range(HISTORIES):
        prometheus, direct, busiest, _ = played(target, seed, [], later=0.5)
        for role in target.slots:
            assert abs(direct[role].total - prometheus[role].total) <= busiest[role], f"seed {seed}, {role}"
            assert abs(direct[role].errors - prometheus[role].errors) <= busiest[role], f"seed {seed}, {role}"
            differ += direct[role] != prometheus[role]
    assert differ, "the moments do matter"


@pytest.mark.slow
def test_with_restarts_they_also_differ_by_what_each_lost_with_a_process() -> None:
    for seed in range(HISTORIES):
        prometheus, direct, busiest, happened = played(ALONE, seed, [restarts, replaced, fails_once], later=0.5)
        for role in ALONE.slots:
            assert abs(direct[role].total - prometheus[role].total) <= busiest[role] * (1 + happened), f"seed {seed}"


def seconds_to_verdict(seed: int, every: float, phase: float) -> float:
    """Return the time from the first bad answer until the gate's test fails a version with 20 % errors.

    100 requests/s, 20 % of them to the new slot; looks each half second, at counts that are ``every`` seconds apart.
    """
    random, live, new = Random(seed), [0, 0], [0, 0]  # noqa: S311 -- a simulation
    seen, first, now = (Arm(bad=0, total=0), Arm(bad=0, total=0)), None, 0.0
    while True:
        now += 0.01
        arm, bad = (new, 0.2) if random.random() < 0.2 else (live, 0.0)
        failed = random.random() < bad
        arm[0] += failed
        arm[1] += 1
        first = now if failed and first is None else first
        if (now + phase) % every < 0.01:
            seen = Arm(bad=new[0], total=new[1]), Arm(bad=live[0], total=live[1])
        looked = now % 0.5 < 0.01 and seen[0].total and seen[1].total
        if looked and verdicts.judge(seen[0], seen[1], 5, final=False) == "fail":
            return now - (first or now)
        assert now < 300


def test_read_each_second_a_bad_version_is_found_in_seconds_and_not_in_scrapes() -> None:
    """The valve and the record take about half a second more (tests/cluster/test_direct.py measures the whole)."""
    direct = sorted(seconds_to_verdict(seed, 1.0, seed / 40) for seed in range(40))
    scraped = sorted(seconds_to_verdict(seed, 30.0, 30 * seed / 40) for seed in range(40))
    median, nearly_all = 20, 38
    assert direct[median] < SOON
    assert direct[nearly_all] < 2 * SOON
    assert scraped[median] > 5 * SOON


def test_a_target_without_a_proxy_is_the_servers() -> None:
    assert dataclasses.replace(BEHIND, proxy=None) == ALONE
