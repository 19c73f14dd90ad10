"""``python -m bench.sizing [SEEDS]``: simulate the two cases, and evaluate the sizing.

The last table asks, for various loads: do the calculated pods hold the objective in at least 95 % of the seeds, and how
many pods would have been enough? The calculation ignores the utilization limit, so that the objective alone decides.
With the limit, some services get more pods; a column shows how many.
"""

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from rich.console import Console
from rich.table import Table

from bench.sizing_cases import HEADINGS, Case, bank, row, shop
from models.gamma import GammaTime
from sizing.arrivals import lognormal
from sizing.simulation import Outcome, Plan, simulate
from sizing.sizing import BRIEFLY, Demand, Objective, Sizing

SEEDS, REQUESTS, HELD = 200, 100_000, 0.95
RUNS = 5
"""Runs of each case: the bank's days, the shop's sales."""
_CHUNK = 10
"""Seeds per batch; after each batch, `share_held` stops if too many seeds have missed the objective."""


@dataclass(frozen=True)
class Question:
    """A load and an objective, without a utilization limit."""

    name: str
    demand: Demand
    heavy: bool = False
    """Whether service times follow a log-normal distribution, which the calculation does not model."""

    def plan(self, pods: int) -> Plan:
        """Return the simulation plan for this number of pods."""
        draw = lognormal(self.demand.service) if self.heavy else None
        return Plan.steady(self.demand, pods, REQUESTS, draw)


def questions() -> Iterator[Question]:
    """Yield loads: 1 to 50 pods, regular to exponential service times, one or several at once, 3 objectives."""
    for rate, cv, percent, within, at_once, heavy in (
        (50, 0.5, 99, 0.5, 1, False),  # the catalogue's classifier
        (50, 1.0, 99, 0.5, 1, False),  # the same with the textbook's exponential times
        (50, 0.5, 99, 0.5, 1, True),
        (5, 1.0, 95, 0.5, 1, False),
        (100, 0.3, 99.9, 0.4, 1, False),
        (200, 0.5, 95, 0.23, 4, False),
        (400, 0.5, 99, 0.3, 1, False),
    ):
        objective = Objective(percent / 100, within)
        demand = Demand(
            rate=rate,
            peak=rate,
            service=GammaTime(0.1, cv),
            concurrency=at_once,
            objective=objective,
            utilization=BRIEFLY,
        )
        kind = "log-normal" if heavy else "gamma"
        times = f"100 ms, cv {cv:g}, {kind}{f', {at_once} at once' if at_once > 1 else ''}"
        yield Question(f"{rate} req/s, {times}, {percent:g} % < {1000 * within:g} ms", demand, heavy)


def holds(question: Question, pods: int, seed: int) -> bool:
    """Return whether the objective held in one seed."""
    objective = question.demand.objective
    return objective is not None and simulate(question.plan(pods), seed).meets(objective)


def share_held(pool: ProcessPoolExecutor, question: Question, pods: int, seeds: int) -> float:
    """Return the share of seeds that held the objective; 0 as soon as too many have missed it."""
    if question.demand.station(pods, question.demand.rate).utilization >= 1:
        return 0.0
    held, allowed = 0, seeds - round(HELD * seeds)
    for first in range(0, seeds, _CHUNK):
        numbers = range(first, min(first + _CHUNK, seeds))
        held += sum(pool.map(partial(holds, question, pods), numbers))
        if numbers.stop - held > allowed:
            return 0.0
    return held / seeds


def cheapest(pool: ProcessPoolExecutor, question: Question, sized: int, share: float, seeds: int) -> int:
    """Return the fewest pods that hold the objective in enough seeds; the search starts at the sized number."""
    pods = sized
    if share >= HELD:
        while pods > 1 and share_held(pool, question, pods - 1, seeds) >= HELD:
            pods -= 1
        return pods
    while share_held(pool, question, pods := pods + 1, seeds) < HELD:
        pass
    return pods


def _outcome(case: Case, seed: int) -> Outcome:
    return simulate(case.plan, seed)


def show_case(console: Console, pool: ProcessPoolExecutor, title: str, cases: Iterator[Case]) -> None:
    """Simulate and print the rows of one case."""
    table = Table(*HEADINGS, title=title)
    for case in cases:
        table.add_row(*row(case, list(pool.map(partial(_outcome, case), range(RUNS)))))
    console.print(table)


def main() -> None:
    """Print the tables and the verdict."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    console, began = Console(width=180, highlight=False), time.monotonic()
    console.print(
        f"{seeds} seeds of {REQUESTS:,} requests for each of {len(list(questions()))} loads: about 5 min on 2 cores"
    )
    worst_share, worst_ratio = 1.0, 0.0
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        show_case(console, pool, f"F8, the bank: 100,000 verifications a day, 3x bursts, {RUNS} days; < 500 ms", bank())
        show_case(console, pool, f"C8, the shop: 40 -> 400 -> 40 requests/s, {RUNS} sales; < 500 ms", shop())
        table = Table(
            "load and objective", "pods", "with use <= 80 %", "seeds that held it", "enough", "ratio", title="sizing"
        )
        for question in questions():
            sized = Sizing(question.demand).pods
            limited = Sizing(replace(question.demand, utilization=0.8)).pods
            share = share_held(pool, question, sized, seeds)
            enough = cheapest(pool, question, sized, share, seeds)
            worst_share, worst_ratio = min(worst_share, share), max(worst_ratio, sized / enough)
            shown = f"{100 * share:.1f} %" if share else f"< {100 * HELD:g} %"
            table.add_row(question.name, str(sized), str(limited), shown, str(enough), f"{sized / enough:.2f}")
            console.print(
                f"  {time.monotonic() - began:4.0f} s: {question.name}: {sized} pods, {shown}, enough: {enough}"
            )
        console.print(table)
    console.print(
        f"sizing: SLO met in at least {100 * worst_share:.1f} % of {seeds} seeds of every load, "
        f"at no more than {worst_ratio:.2f} x the cheapest number of pods that meets it"
    )


if __name__ == "__main__":
    main()
