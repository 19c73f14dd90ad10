"""Queues in closed form, against textbook values and against each other."""

from math import exp, factorial, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing import queueing

offered_and_servers = st.integers(1, 60).flatmap(
    lambda n: st.tuples(st.floats(0.01, 0.99).map(lambda u: u * n), st.just(n))
)


@pytest.mark.parametrize(
    ("servers", "offered", "blocked"),
    [(1, 1, 0.5), (5, 3, 0.1101), (10, 5, 0.0184), (20, 12, 0.0098), (0, 3, 1)],  # Erlang's table, four decimals
)
def test_erlang_b_is_that_of_the_tables(servers: int, offered: float, blocked: float) -> None:
    assert queueing.erlang_b(servers, offered) == pytest.approx(blocked, abs=5e-5)


@given(offered_and_servers)
def test_erlang_c_is_its_formula_with_factorials(given_: tuple[float, int]) -> None:
    offered, n = given_
    last = offered**n / factorial(n) * n / (n - offered)
    formula = last / (sum(offered**k / factorial(k) for k in range(n)) + last)
    assert queueing.erlang_c(n, offered) == pytest.approx(formula, rel=1e-9)


def test_erlang_c_does_not_overflow_for_many_servers() -> None:
    assert 0 < queueing.erlang_c(2000, 1950) < 1


@given(st.floats(0.01, 0.99), st.floats(0.001, 10))
def test_one_server_is_the_closed_form_of_m_m_1(load: float, service: float) -> None:
    rate = load / service
    assert queueing.mean_time(1, rate, service) == pytest.approx(service / (1 - load), rel=1e-9)
    within = 3 * service
    assert queueing.late(1, rate, service, within) == pytest.approx(exp(-(1 - load) * 3), rel=1e-6)


def test_the_published_example_has_the_figures_of_m_m_6() -> None:
    """50 requests/s at 10 per pod and second on 6 pods: Erlang C of 5 erlang on 6 servers is 0.5875."""
    assert queueing.erlang_c(6, 5) == pytest.approx(0.5875, abs=5e-5)
    assert queueing.mean_time(6, 50, 0.1) == pytest.approx(0.1 + 0.05875, abs=1e-5)


@given(offered_and_servers, st.floats(0.5, 0.999))
def test_a_quantile_is_where_the_tail_has_its_share(given_: tuple[float, int], share: float) -> None:
    offered, n = given_
    at = queueing.quantile(n, offered, 1.0, share)
    assert queueing.late(n, offered, 1.0, at) == pytest.approx(1 - share, rel=1e-6)


@given(offered_and_servers, st.floats(0, 20))
def test_another_server_makes_nothing_later(given_: tuple[float, int], within: float) -> None:
    offered, n = given_
    assert queueing.late(n + 1, offered, 1.0, within) <= queueing.late(n, offered, 1.0, within) + 1e-12
    assert queueing.mean_time(n + 1, offered, 1.0) <= queueing.mean_time(n, offered, 1.0)


def test_where_wait_and_service_end_at_the_same_rate_the_limit_is_taken() -> None:
    assert queueing.late(2, 1.0, 1.0, 2.0) == pytest.approx(queueing.late(2, 1.0 + 1e-6, 1.0, 2.0), rel=1e-4)


@pytest.mark.parametrize("rate", [10, 11])
def test_more_than_can_be_served_waits_for_ever(rate: float) -> None:
    assert queueing.mean_time(1, rate, 0.1) == inf
    assert queueing.quantile(1, rate, 0.1, 0.95) == inf
    assert queueing.late(1, rate, 0.1, 5) == 1
    assert queueing.erlang_c(1, rate * 0.1) == 1


def test_allen_cunneen_halves_the_wait_of_constant_service_and_keeps_that_of_m_m_n() -> None:
    assert queueing.allen_cunneen(1, 0) == 0.5
    assert queueing.allen_cunneen(1, 1) == 1
    assert queueing.even_arrivals(0.8, 1, 1) == 1
    assert queueing.even_arrivals(0.8, 2, 1) == 1  # more uneven than Poisson: nothing is given back
    assert 0 < queueing.even_arrivals(0.8, 0.2, 1) < 1
