"""Queues in closed form: Erlang B and C, M/M/n exactly, and the Allen-Cunneen correction for other distributions.

Units: rates in requests per second, times in seconds, ``servers`` is the number of requests served at once.
"""

from collections.abc import Callable
from math import exp, expm1, inf

Tail = Callable[[float], float]
"""Returns the share of requests that take longer than a time."""

_STEPS = 60
"""Steps of a bisection: enough to go from any bracket to the precision of a float."""
_NEARLY = 1e-9


def erlang_b(servers: int, offered: float) -> float:
    """Return the share of requests that find all servers busy and are lost (M/G/n/n).

    Args:
        servers: At least 0.
        offered: Arrival rate times mean service time, in erlang.

    The recursion over servers is stable where the formula with factorials overflows: Cooper, *Introduction to
    Queueing Theory*, 2nd ed., eq. 3.4.
    """
    blocked = 1.0
    for busy in range(1, servers + 1):
        blocked = offered * blocked / (busy + offered * blocked)
    return blocked


def erlang_c(servers: int, offered: float) -> float:
    """Return the share of requests that wait (M/M/n); 1 under overload."""
    if offered >= servers:
        return 1.0
    blocked = erlang_b(servers, offered)
    return servers * blocked / (servers - offered * (1 - blocked))


def mean_wait(servers: int, rate: float, service: float) -> float:
    """Return the mean wait before service (M/M/n); infinite under overload."""
    offered = rate * service
    return erlang_c(servers, offered) * service / (servers - offered) if offered < servers else inf


def mean_time(servers: int, rate: float, service: float) -> float:
    """Return the mean time in system, wait and service (M/M/n)."""
    return mean_wait(servers, rate, service) + service


def late(servers: int, rate: float, service: float, within: float) -> float:
    """Return the share of requests whose time in system is longer than ``within`` (M/M/n, first come first served).

    Exact: a waiting request waits exponentially, with the rate at which servers become free, and is then served
    exponentially (Gross et al., *Fundamentals of Queueing Theory*, 4th ed., section 2.3).
    """
    offered = rate * service
    if offered >= servers:
        return 1.0
    alone = exp(-within / service)
    free = servers - offered - 1  # in units of the service rate; 0: both rates are equal
    gained = within / service if abs(free) < _NEARLY else -expm1(-free * within / service) / free
    return alone * (1 + erlang_c(servers, offered) * gained)


def quantile(servers: int, rate: float, service: float, share: float) -> float:
    """Return the time in system that ``share`` of the requests do not exceed (M/M/n)."""
    return inf if rate * service >= servers else time_of(lambda t: late(servers, rate, service, t), 1 - share, service)


def allen_cunneen(arrivals: float, service: float) -> float:
    """Return the factor by which the mean wait of M/M/n changes for other distributions (G/G/n).

    Args:
        arrivals: Squared coefficient of variation of the times between arrivals; 1 for Poisson.
        service: Squared coefficient of variation of the service times; 1 for exponential.

    Exact for M/M/n and M/G/1 (Pollaczek-Khinchine), close for M/G/n: Allen, *Probability, Statistics, and Queueing
    Theory*, 2nd ed. (1990), section 5.5; Whitt, "Approximations for the GI/G/m queue", *Production and Operations
    Management* 2 (1993).
    """
    return (arrivals + service) / 2


def even_arrivals(utilization: float, arrivals: float, service: float) -> float:
    """Return the factor that corrects the Allen-Cunneen wait, which is too long, for arrivals more even than Poisson.

    Krämer and Langenbach-Belz (1976), as given by Whitt (1993), eq. 2.23; both arguments are squared coefficients.
    """
    if arrivals >= 1:
        return 1.0
    return exp(-2 * (1 - utilization) * (1 - arrivals) ** 2 / (3 * utilization * (arrivals + service)))


def time_of(tail: Tail, share: float, unit: float) -> float:
    """Return the time at which a decreasing ``tail`` reaches ``share``; ``unit`` is its order of magnitude."""
    low, high = 0.0, unit
    while tail(high) > share:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > share else (low, middle)
    return high
