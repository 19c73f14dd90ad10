"""How many pods a load needs, which target an HPA should have, and whether an entry's scaling allows for both."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf

from models.gamma import GammaTime
from models.load import Load
from models.monitoring import LatencyObjective
from models.quantity import parse
from models.scaling import Autoscaled, Fixed, Triggered
from models.service import ServiceSpec
from sizing.split import Split, Station, erlang_time

HPA_SYNC = 15
"""Seconds between two reads by the HPA: kube-controller-manager's --horizontal-pod-autoscaler-sync-period."""
METRICS_AGE = 15
"""Greatest age in seconds of a measurement that the HPA reads: metrics-server's --metric-resolution."""
HPA_TOLERANCE = 0.1
"""The HPA does nothing while usage is within this share of its target (Kubernetes' default)."""
RESERVED = 0.1
"""Share of the error budget kept in reserve: late requests come in clusters, and the percentage of a hundred thousand
requests differs from that of a month. If the service time alone uses more of the budget, half of the rest is
reserved."""
BRIEFLY = 0.95
"""Highest share of busy time while new pods start; the planned share applies again once they answer."""
SPLIT: Split = "in turn"
"""The default of the proxies that both traffic drivers use."""
MOST = 5000
"""Highest number of pods of one service: Kubernetes' documented limit of nodes in a cluster."""
_RAMP_STEPS = 24


class OutOfReachError(ValueError):
    """No number of pods up to the limit holds the objective."""


@dataclass(frozen=True)
class Objective:
    """A latency objective: the share of requests that must be answered within a time."""

    share: float
    """For example 0.99."""
    within: float
    """Seconds."""

    @classmethod
    def of(cls, objective: LatencyObjective) -> "Objective":
        """Return the objective of an entry's monitoring."""
        return cls(float(objective.percent) / 100, objective.within / 1000)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """The load and the objective, in requests per second, seconds and shares."""

    rate: float
    peak: float
    ramp: float = 0
    service: GammaTime
    concurrency: int = 1
    cold_start: float = 0
    utilization: float = 0.8
    objective: Objective | None = None
    split: Split = SPLIT

    @classmethod
    def of(cls, load: Load, objective: LatencyObjective | None, startup: float) -> "Demand":
        """Return the demand that an entry declares; ``startup`` is the default for the cold start."""
        return cls(
            rate=load.rate,
            peak=load.highest,
            ramp=load.ramp,
            service=load.service.distribution,
            concurrency=load.concurrency,
            cold_start=startup if load.cold_start is None else load.cold_start,
            utilization=load.utilization / 100,
            objective=Objective.of(objective) if objective else None,
        )

    @property
    def delay(self) -> float:
        """Seconds from a load increase to a new pod's first answer: metric age, HPA sync period and cold start."""
        return METRICS_AGE + HPA_SYNC + self.cold_start

    def after(self, rate: float) -> float:
        """Return the rate that ``rate`` has grown to by the time a pod requested at ``rate`` answers."""
        return min(self.peak, rate + (self.peak - self.rate) / self.ramp * self.delay) if self.ramp else self.peak

    def station(self, pods: int, rate: float) -> Station:
        """Return the queue of each pod."""
        return Station.of(self.split, pods, rate, self.service, self.concurrency)

    def held(self, pods: int, rate: float, busy: float) -> bool:
        """Return whether this number of pods meets the objective with none busier than ``busy``."""
        station = self.station(pods, rate)
        if station.utilization > busy * (1 + 1e-12):
            return False
        if self.objective is None:
            return True
        alone, allowed = self.service.longer_than(self.objective.within), 1 - self.objective.share
        return station.late(self.objective.within) <= max((1 - RESERVED) * allowed, (alone + allowed) / 2)

    def pods(self, rate: float, busy: float) -> int:
        """Return the fewest pods that hold the objective with none busier than ``busy``. Raises OutOfReachError."""
        fewest = max(1, ceil(rate * self.service.seconds / (self.concurrency * busy) - 1e-9))
        low, high = fewest - 1, fewest  # low does not hold the objective
        while high > MOST or not self.held(high, rate, busy):
            if high > MOST:
                raise OutOfReachError(
                    f"{rate:g} req/s need more than {MOST} pods; widen the objective, or split the service"
                )
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.held(middle, rate, busy) else (middle, high)
        return high


@dataclass(frozen=True)
class Sizing:
    """The sizing of one service."""

    demand: Demand

    @cached_property
    def pods(self) -> int:
        """Pods needed at the usual rate."""
        return self.demand.pods(self.demand.rate, self.demand.utilization)

    @cached_property
    def most(self) -> int:
        """Pods needed at the peak: the lowest acceptable maximum."""
        return self.demand.pods(self.demand.peak, self.demand.utilization)

    @cached_property
    def least(self) -> int:
        """Pods needed at the usual rate to keep up while the first new one starts: the lowest safe minimum."""
        return max(self.pods, self.demand.pods(self.demand.after(self.demand.rate), BRIEFLY))

    @cached_property
    def target(self) -> float:
        """Target share of busy time: new pods requested at this share answer before the running ones are too few.

        The target is lowered by the tolerance within which the HPA does nothing.
        """
        demand, lowest = self.demand, self.demand.utilization
        grows = [demand.rate + (demand.peak - demand.rate) * step / _RAMP_STEPS for step in range(_RAMP_STEPS + 1)]
        for rate in grows if demand.ramp else [demand.peak]:
            needed = demand.pods(
                demand.after(rate), BRIEFLY if demand.after(rate) < demand.peak else demand.utilization
            )
            if needed > self.least:  # up to ``least`` pods run anyway
                lowest = min(lowest, rate * demand.service.seconds / (demand.concurrency * needed))
        return lowest / (1 + HPA_TOLERANCE)

    @property
    def per_pod(self) -> float:
        """The same target in requests per second and pod, for an HPA on requests."""
        return self.target * self.demand.concurrency / self.demand.service.seconds

    @cached_property
    def station(self) -> Station:
        """The queue of each pod at the usual rate."""
        return self.demand.station(self.pods, self.demand.rate)

    @property
    def busy_without_one(self) -> float:
        """Share of busy time of the other pods while one is down; above 1 their queues grow without limit."""
        work = self.demand.rate * self.demand.service.seconds / self.demand.concurrency
        return work / (self.pods - 1) if self.pods > 1 else inf

    @cached_property
    def textbook(self) -> tuple[float, float]:
        """Mean and p95 of the time in system, in seconds, if all pods shared one queue (M/M/n)."""
        demand = self.demand
        return erlang_time(self.pods, demand.rate, demand.service, demand.concurrency, 0.95)

    def lacks(self, scaling: Fixed | Autoscaled | Triggered) -> Iterator[str]:
        """Yield the reasons why an entry's scaling is too small for the load."""
        demand = self.demand
        if scaling.ceiling < self.most:
            field = "replicas" if isinstance(scaling, Fixed) else "maxReplicas"
            yield f"{field} {scaling.ceiling} is below the {self.most} pods that {demand.peak:g} req/s need; raise it"
        elif isinstance(scaling, Autoscaled) and (kept := _kept(scaling, demand)) < self.least:
            floor = f"minReplicas {scaling.floor}: "
            if kept < self.pods:
                yield (
                    f"{floor}the HPA keeps {kept} pods at {demand.rate:g} req/s, which need {self.pods}; raise it, "
                    "or lower the target of the HPA"
                )
            else:
                yield (
                    f"{floor}{demand.rate:g} req/s grow to {demand.after(demand.rate):g} in the {demand.delay:g} s "
                    f"that a new pod takes, which needs {self.least} pods; raise it, or scale ahead of the peak"
                )


def size(spec: ServiceSpec) -> Sizing | None:
    """Return the sizing of a service for its declared load; None if it declares none."""
    return Sizing(Demand.of(spec.load, spec.objective, spec.health.startup)) if spec.load else None


def _kept(scaling: Autoscaled, demand: Demand) -> int:
    """Return the pods that the HPA keeps at the usual rate, according to its metrics that measure requests.

    A CPU target is treated as a share of busy time, which is exact if an always-busy pod uses exactly its CPU request.
    The pods kept by other metrics are unknown; the maximum is assumed.
    """
    metrics, asked = scaling.metrics, list[float]()
    if metrics.cpu:
        asked.append(demand.rate * demand.service.seconds / demand.concurrency / metrics.cpu.utilization * 100)
    asked += [demand.rate / float(parse(one.average)) for name, one in metrics.pods.items() if "requests" in name]
    wanted = ceil(max(asked) - 1e-9) if asked else scaling.ceiling
    return min(max(wanted, scaling.floor), scaling.ceiling)
