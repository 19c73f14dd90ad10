"""The bank's day (row F8) and the shop's peak (row C8), as simulations."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.gamma import GammaTime
from sizing.arrivals import Course, gamma
from sizing.simulation import Outcome, Plan, Scaler, Scheduled
from sizing.sizing import Demand, Objective, Sizing

MEASURED = Path(__file__).parent / "measured.json"
PUBLISHED_COLD_START = 42.0
"""Seconds from the decision to a ready pod, from the nlu's publication. Our own figure is in measured.json."""

QUEUE = 64
"""Requests that may wait at a pod: the default of `server.queueLimit`. Others are refused and count as unavailable."""
DAY = 86_400
BANK_REQUESTS, BANK_BURST, BANK_WITHIN = 100_000, 3.0, 0.5
"""Verifications per day, the factor by which a burst raises their rate, and the limit for an answer in seconds."""
BANK_HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 8, 10, 10, 9, 8, 8, 9, 9, 8, 7, 6, 4, 3, 2, 2, 1)
"""Relative number of requests in each hour: office hours. Assumed; the publication states only the day's total."""
BURSTS = (9.5, 12.0, 16.25)
"""Hours of the bursts: three times the requests for ten minutes, reached within a second. Assumed."""
_BURST_SECONDS = 600

SHOP_LOW, SHOP_HIGH = 40.0, 400.0
"""Requests per second that 5 and 50 pods serve at a utilization of 0.8, with 10 requests/s per pod."""
SHOP_PODS, SHOP_USE = (5, 50), 0.8
SHOP_SERVICE = GammaTime(0.1, 0.5)
"""The published mean of row C7; the variation is that of the catalogue entry."""
SHOP_OBJECTIVE = Objective(0.99, 0.5)
SHOP_OPENS, SHOP_RAMP, SHOP_LASTS, SHOP_SECONDS = 900, 120, 900, 3600
"""Seconds: when the sale opens, how long the rate rises, how long it stays, and the length of the simulation."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of a table."""

    name: str
    plan: Plan
    within: float


@dataclass(frozen=True)
class Measured:
    """Service time and cold start of one of our services."""

    service: GammaTime
    cold_start: float
    source: str


def measured(service: str) -> Measured | None:
    """Return what `bench.service_times` measured; None if the service was not measured here."""
    known: dict[str, Any] = json.loads(MEASURED.read_text("utf-8")) if MEASURED.is_file() else {}
    if (found := known.get(service)) is None:
        return None
    return Measured(GammaTime(found["mean_ms"] / 1000, found["cv"]), found["cold_start_s"], found["source"])


def bank_course() -> Course:
    """Return a day's course: constant hours with ten-minute transitions, and three bursts."""
    scale = BANK_REQUESTS / _mean_weight() / DAY
    points = [(0.0, BANK_HOURS[0] * scale)]
    for hour, weight in enumerate(BANK_HOURS):
        points += [(hour * 3600 + 600.0, weight * scale), ((hour + 1) * 3600.0, weight * scale)]
    for burst in BURSTS:
        start, end = burst * 3600 + 600, burst * 3600 + 600 + _BURST_SECONDS
        quiet = Course(tuple(points)).at(start)
        inside = [(start, quiet), (start + 1, BANK_BURST * quiet), (end, BANK_BURST * quiet), (end + 1, quiet)]
        points = sorted([point for point in points if not start <= point[0] <= end + 1] + inside)
    return Course(tuple(points))


def _mean_weight() -> float:
    """Return the mean of the hours' weights, including the requests that the bursts add."""
    added = sum((BANK_BURST - 1) * BANK_HOURS[int(hour)] * _BURST_SECONDS for hour in BURSTS) / DAY
    return sum(BANK_HOURS) / len(BANK_HOURS) + added


def bank() -> Iterator[Case]:
    """Yield the bank's day in the entry's range (2 to 10 pods at 70 %), with our and the published service times."""
    published = GammaTime(0.327, 0.385)  # 1 % is longer than 689 ms, the published p99
    ours = measured("faces")
    cold = ours.cold_start if ours else PUBLISHED_COLD_START
    if ours:
        yield _bank(f"ours: {1000 * ours.service.seconds:.0f} ms, measured", ours.service, cold, 2)
    yield _bank("published: 327 ms, 2 pods or more", published, PUBLISHED_COLD_START, 2)
    peak = bank_course().most
    demand = Demand(rate=peak, peak=peak, service=published, objective=Objective(0.90, BANK_WITHIN))
    least = Sizing(demand).most
    yield _bank(f"published: 327 ms, {least} pods or more (as sized)", published, PUBLISHED_COLD_START, least)


def _bank(name: str, service: GammaTime, cold_start: float, least: int) -> Case:
    scaler = Scaler(target=0.7, least=least, most=max(10, least), cold_start=cold_start)
    plan = Plan(course=bank_course(), seconds=DAY, draw=gamma(service), pods=least, scaler=scaler, queue_limit=QUEUE)
    return Case(name=name, plan=plan, within=BANK_WITHIN)


def shop_course() -> Course:
    """Return the sale's course: 40 requests/s, 400 two minutes later, and 40 again after a quarter of an hour."""
    full, over = SHOP_OPENS + SHOP_RAMP, SHOP_OPENS + SHOP_RAMP + SHOP_LASTS
    return Course(
        ((0, SHOP_LOW), (SHOP_OPENS, SHOP_LOW), (full, SHOP_HIGH), (over, SHOP_HIGH), (over + SHOP_RAMP, SHOP_LOW))
    )


def shop_demand(cold_start: float) -> Demand:
    """Return the sale's demand for the sizing."""
    return Demand(
        rate=SHOP_LOW,
        peak=SHOP_HIGH,
        ramp=SHOP_RAMP,
        service=SHOP_SERVICE,
        cold_start=cold_start,
        objective=SHOP_OBJECTIVE,
    )


def shop() -> Iterator[Case]:
    """Yield the sale with an HPA alone, with pods scheduled ahead of it, as sized, and with 50 pods all the time."""
    yield from _shop(PUBLISHED_COLD_START, "published")
    if ours := measured("classifier"):
        yield from _shop(ours.cold_start, "measured")
    yield Case(name="50 pods all the time", plan=_sale(SHOP_PODS[1], None), within=SHOP_OBJECTIVE.within)


def _shop(cold: float, source: str) -> Iterator[Case]:
    sized, name, within = Sizing(shop_demand(cold)), f"cold start {cold:g} s ({source}): ", SHOP_OBJECTIVE.within
    least, most = SHOP_PODS
    guessed = Scaler(target=SHOP_USE, least=least, most=most, cold_start=cold)
    fitted = Scaler(target=sized.target, least=sized.least, most=sized.most, cold_start=cold)
    # Three rounds of the HPA (four, twice, twice as many) and a cold start before the sale opens.
    ahead = Scheduled(start=SHOP_OPENS - 60 - cold, end=SHOP_OPENS + SHOP_RAMP + SHOP_LASTS, pods=most)
    yield Case(name=f"{name}HPA {least}..{most} at {100 * SHOP_USE:.0f} %", plan=_sale(least, guessed), within=within)
    scheduled = replace(_sale(least, guessed), schedule=(ahead,))
    yield Case(name=f"{name}and {most} pods scheduled ahead", plan=scheduled, within=within)
    range_ = f"{fitted.least}..{fitted.most} at {100 * fitted.target:.0f} %"
    yield Case(name=f"{name}as sized, {range_}", plan=_sale(fitted.least, fitted), within=within)


def _sale(pods: int, scaler: Scaler | None) -> Plan:
    return Plan(
        course=shop_course(),
        seconds=SHOP_SECONDS,
        draw=gamma(SHOP_SERVICE),
        pods=pods,
        scaler=scaler,
        queue_limit=QUEUE,
    )


def row(case: Case, outcomes: list[Outcome]) -> list[str]:
    """Return a table's cells: means over the runs, and the worst run's share of answered requests."""
    shares = [outcome.within(case.within) for outcome in outcomes]
    pods = [number for outcome in outcomes for _, number in outcome.pods]
    mean_pods = sum(outcome.pod_seconds for outcome in outcomes) / len(outcomes) / case.plan.seconds
    return [
        case.name,
        f"{sum(outcome.requests for outcome in outcomes) / len(outcomes):,.0f}",
        f"{100 * sum(shares) / len(shares):.3f} %",
        f"{100 * min(outcome.availability for outcome in outcomes):.3f} %",
        f"{1000 * sum(outcome.mean for outcome in outcomes) / len(outcomes):.0f} ms",
        f"{1000 * sum(outcome.quantile(0.99) for outcome in outcomes) / len(outcomes):.0f} ms",
        f"{1000 * max(max(outcome.times) for outcome in outcomes):,.0f} ms",
        f"{min(pods)}..{max(pods)}",
        f"{outcomes[0].pods[-1][1]}",
        f"{mean_pods:.1f}",
        f"{sum(outcome.scale_outs for outcome in outcomes) / len(outcomes):g}",
    ]


HEADINGS = (
    "case", "requests", "within", "answered", "mean", "p99", "longest", "pods", "at the end", "mean pods", "scale-outs"
)  # fmt: skip
