"""The result of `slipway size` for one service: its sizing, its entry's scaling, and a simulation's outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from models.service import ServiceSpec
from sizing.curve import Curve, curve
from sizing.sizing import Sizing

REQUESTS = 100_000
"""Requests per seed: late requests come in clusters, and with fewer requests the result would depend on the seed."""
SEEDS_THAT_HOLD = 0.95
"""Share of the seeds in which the objective must hold."""


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """The number of seeds in which the objective held, and the times over all seeds."""

    seeds: int
    held: int
    mean: float
    p95: float

    @property
    def enough(self) -> bool:
        """Whether the objective held in the required share of seeds."""
        return self.held >= SEEDS_THAT_HOLD * self.seeds


@dataclass(frozen=True, kw_only=True)
class Sized:
    """The sizing of one service and, if it was requested, the simulation."""

    name: str
    spec: ServiceSpec
    sizing: Sizing
    simulated: Simulated | None = None

    @property
    def lacks(self) -> list[str]:
        """The reasons why the entry's scaling is too small for the load."""
        return list(self.sizing.lacks(self.spec.scaling))

    @property
    def curve(self) -> Curve:
        """Time in system by number of pods."""
        return curve(self.sizing)

    def document(self) -> dict[str, Any]:
        """Return the sizing as a dictionary for JSON output; times in milliseconds."""
        found, demand, station = self.sizing, self.sizing.demand, self.sizing.station
        mean, p95 = found.textbook
        promised = demand.objective
        document: dict[str, Any] = {
            "rate": demand.rate,
            "peak": demand.peak,
            "serviceTimeMs": _ms(demand.service.seconds),
            "cv": demand.service.cv,
            "concurrency": demand.concurrency,
            "pods": found.pods,
            "busy": round(station.utilization, 4),
            "busyWithoutOne": round(found.busy_without_one, 4) if isfinite(found.busy_without_one) else None,
            "meanMs": _ms(station.mean),
            "p95Ms": _ms(station.quantile(0.95)),
            "erlang": {"meanMs": _ms(mean), "p95Ms": _ms(p95)},
            "hpa": {
                "busy": round(found.target, 4),
                "requestsPerPod": round(found.per_pod, 4),
                "minReplicas": found.least,
                "maxReplicas": found.most,
            },
            "entry": {"minReplicas": self.spec.scaling.floor, "maxReplicas": self.spec.scaling.ceiling},
            "lacks": self.lacks,
        }
        if promised:
            share = 1 - station.late(promised.within)
            document["objective"] = {
                "percent": round(100 * promised.share, 4),
                "withinMs": _ms(promised.within),
                "expectedPercent": round(100 * share, 4),
            }
        if self.simulated:
            ran = self.simulated
            document["simulation"] = {
                "seeds": ran.seeds, "held": ran.held, "meanMs": _ms(ran.mean), "p95Ms": _ms(ran.p95)
            }  # fmt: skip
        return document


def simulate(found: Sizing, seeds: int, told: Callable[[], object]) -> Simulated:
    """Run the sized pods once per seed; ``told`` is called after each seed."""
    from sizing.simulation import Plan, simulate as run  # noqa: I001, PLC0415 -- only this function needs SimPy

    demand = found.demand
    plan, held = Plan.steady(demand, found.pods, REQUESTS), 0
    means, highs = list[float](), list[float]()
    for seed in range(seeds):
        outcome = run(plan, seed)
        held += demand.objective is None or outcome.meets(demand.objective)
        means.append(outcome.mean)
        highs.append(outcome.quantile(0.95))
        told()
    return Simulated(seeds=seeds, held=held, mean=sum(means) / seeds, p95=sum(highs) / seeds)


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
