"""Time in system behind a proxy: the exact solution against the special cases that have formulas of their own."""

from itertools import pairwise
from math import exp, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.gamma import GammaTime
from sizing import queueing
from sizing.split import Split, Station, erlang_time, euler

SPLITS: tuple[Split, ...] = ("in turn", "at random", "central")
busy = st.floats(0.05, 0.95)


def root(pods: int, load: float) -> float:
    """The root of GI/M/1 with Erlang arrivals, by its fixed point."""
    found = 0.5
    for _ in range(10_000):
        found = (1 + (1 - found) / load / pods) ** -pods
    return found


@pytest.mark.parametrize(("pods", "load"), [(1, 0.5), (2, 0.9), (7, 5 / 7), (20, 0.3)])
def test_dealt_in_turn_with_exponential_service_it_is_g_m_1(pods: int, load: float) -> None:
    """The time in system of GI/M/1 is exponential (Gross et al., section 5.3): here it is dealt to pods of 10/s."""
    station = Station.of("in turn", pods, 10 * load * pods, GammaTime(0.1))
    rate = 10 * (1 - root(pods, load))
    assert station.mean == pytest.approx(1 / rate, rel=1e-6)
    assert station.late(0.3) == pytest.approx(exp(-rate * 0.3), rel=1e-5, abs=1e-7)
    assert station.quantile(0.95) == pytest.approx(2.995732 / rate, rel=1e-5)


@given(busy, st.floats(0.1, 2))
def test_dealt_at_random_the_mean_is_that_of_pollaczek_and_khinchine(load: float, cv: float) -> None:
    station = Station.of("at random", 5, 50 * load, GammaTime(0.1, cv))
    assert station.mean == pytest.approx(0.1 + load / (1 - load) * (1 + cv**2) / 2 * 0.1, rel=1e-9)


@settings(max_examples=30)
@given(st.integers(2, 40), busy)
def test_one_queue_for_all_with_exponential_service_is_m_m_n(pods: int, load: float) -> None:
    rate = 10 * load * pods
    station = Station.of("central", pods, rate, GammaTime(0.1))
    mean, p95 = erlang_time(pods, rate, GammaTime(0.1), 1, 0.95)
    assert station.mean == pytest.approx(mean, rel=1e-9)
    assert station.late(0.25) == pytest.approx(queueing.late(pods, rate, 0.1, 0.25), abs=1e-3)
    assert station.quantile(0.95) == pytest.approx(p95, rel=0.01)


@given(st.integers(2, 12), busy, st.floats(0.2, 1.5))
def test_one_queue_is_faster_than_turns_and_turns_than_chance(pods: int, load: float, cv: float) -> None:
    mean = {split: Station.of(split, pods, 10 * load * pods, GammaTime(0.1, cv)).mean for split in SPLITS}
    assert mean["in turn"] <= mean["at random"] + 1e-9
    assert mean["central"] <= mean["at random"] + 1e-9


@given(st.sampled_from(SPLITS), st.integers(1, 30), busy, st.sampled_from([0.05, 0.3, 1.0, 2.0]), st.integers(1, 4))
def test_a_share_is_a_share_and_falls_with_time(split: Split, pods: int, load: float, cv: float, at_once: int) -> None:
    station = Station.of(split, pods, 10 * load * pods * at_once, GammaTime(0.1, cv), at_once)
    shares = [station.late(within) for within in (0, 0.05, 0.2, 0.8, 3.2)]
    assert shares[0] == pytest.approx(1, abs=1e-6)
    assert all(0 <= later <= earlier + 1e-3 for earlier, later in pairwise(shares))
    assert station.utilization == pytest.approx(load)
    assert station.mean >= 0.1


@pytest.mark.parametrize("split", SPLITS)
def test_more_than_can_be_served_waits_for_ever(split: Split) -> None:
    station = Station.of(split, 3, 30, GammaTime(0.1, 0.5))
    assert (station.mean, station.quantile(0.5), station.late(100)) == (inf, inf, 1)


def test_requests_at_once_are_queues_fewer_and_shorter() -> None:
    alone = Station.of("in turn", 4, 30, GammaTime(0.1))
    double = Station.of("in turn", 2, 30, GammaTime(0.1), 2)
    assert alone.utilization == double.utilization == 0.75
    assert double.mean < alone.mean


def test_the_inversion_gives_an_exponential_tail_back() -> None:
    assert euler(lambda s: 1 / (s + 2), 1.5) == pytest.approx(exp(-3), abs=1e-7)
