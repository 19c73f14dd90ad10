"""A service as a discrete-event simulation: arriving requests, pods that serve them, and an autoscaler.

Rates may change over time and service times may be measured, which the formulas of `sizing/split.py` cannot handle.
Each request is one event: a pod serves first come, first served, so the completion time of a request is known on
arrival and does not depend on later requests (Lindley's recursion; Kiefer and Wolfowitz' for pods that serve several
requests at once).

A pod that is removed gets no new requests and finishes those it has, as ``drain`` does in the cluster.
"""

import random
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush, heapreplace
from math import ceil

import simpy

from sizing.arrivals import Course, Draw, gamma
from sizing.sizing import HPA_SYNC, HPA_TOLERANCE, Demand, Objective
from sizing.split import Split

Process = Generator[simpy.Event, object, None]

SCALE_DOWN_STABILIZATION = 300
"""Seconds: the HPA scales down to the highest recommendation of this window (Kubernetes' default)."""
SCALE_UP_FACTOR, SCALE_UP_PODS = 2, 4
"""Per 15 s the HPA at most doubles the pods or adds four, whichever is more (Kubernetes' default ``scaleUp``)."""


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """An HPA on busy time with Kubernetes' default scaling rates, and pods with a cold start."""

    target: float
    """Target share of busy time."""
    least: int
    most: int
    cold_start: float
    """Seconds from the scaling decision to the pod's first answer."""


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A minimum number of pods between two times, to scale ahead of a known peak."""

    start: float
    end: float
    pods: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parameters of a simulation."""

    course: Course
    seconds: float
    draw: Draw
    pods: int
    """Pods at the start; constant without a scaler."""
    concurrency: int = 1
    split: Split = "in turn"
    scaler: Scaler | None = None
    schedule: tuple[Scheduled, ...] = ()
    queue_limit: int | None = None
    """Waiting requests per pod; beyond it requests are refused at once, like `server.queueLimit`. None = no limit."""
    warm_up: float = 0
    """Seconds at the start whose requests are not counted, because all pods are idle at first."""

    @classmethod
    def steady(cls, demand: Demand, pods: int, requests: int, draw: Draw | None = None) -> "Plan":
        """Return a plan for this many requests at a demand's usual rate, after an uncounted warm-up of a tenth."""
        warm = requests / demand.rate / 10
        return cls(
            course=Course.level(demand.rate),
            seconds=requests / demand.rate + warm,
            draw=draw or gamma(demand.service),
            pods=pods,
            concurrency=demand.concurrency,
            split=demand.split,
            warm_up=warm,
        )


@dataclass
class Outcome:
    """The result of a simulation."""

    times: list[float] = field(default_factory=list[float])
    """Seconds in system of each counted and answered request, in order of arrival."""
    refused: int = 0
    """Counted requests that were refused because the queue was full."""
    pods: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """Each change of the number of ready pods: time in seconds and new number."""
    scale_outs: int = 0
    """Number of times the autoscaler asked for more pods."""
    pod_seconds: float = 0
    """Pod-seconds, each pod counted from the decision to create it to the decision to remove it."""

    def within(self, seconds: float) -> float:
        """Return the share of requests that were answered within a time; refused requests count as not answered."""
        return sum(time <= seconds for time in self.times) / self.requests if self.requests else 1.0

    @property
    def requests(self) -> int:
        """All counted requests, answered or refused."""
        return len(self.times) + self.refused

    @property
    def availability(self) -> float:
        """Share of requests that were answered, at any time."""
        return len(self.times) / self.requests if self.requests else 1.0

    def meets(self, objective: Objective) -> bool:
        """Return whether the objective held."""
        return self.within(objective.within) >= objective.share

    def quantile(self, share: float) -> float:
        """Return the time in seconds that this share of the requests did not exceed."""
        return sorted(self.times)[min(int(share * len(self.times)), len(self.times) - 1)]

    @property
    def mean(self) -> float:
        """Mean time in system in seconds."""
        return sum(self.times) / len(self.times)


class Pod:
    """One pod: the time at which each of its places becomes free, and its busy periods."""

    def __init__(self, places: int, since: float, *, watched: bool, limited: bool) -> None:
        self._limited = limited
        self.free = [since] * places
        self.since = since
        """Time at which the pod was requested."""
        self._work = deque[tuple[float, float]](maxlen=None if watched else 0)
        self._here = list[float]()

    def full(self, now: float, queue_limit: int) -> bool:
        """Return whether all places and the whole queue are occupied."""
        while self._here and self._here[0] <= now:
            heappop(self._here)
        return len(self._here) >= len(self.free) + queue_limit

    def serve(self, now: float, takes: float) -> float:
        """Accept a request with this service time; return the time at which it is answered."""
        start = max(now, self.free[0])
        heapreplace(self.free, start + takes)
        self._work.append((start, start + takes))
        if self._limited:
            heappush(self._here, start + takes)
        return start + takes

    def busy(self, since: float, now: float) -> float:
        """Return the seconds of work between two times, over all places; forget work that ended before ``since``."""
        self._work = deque(spell for spell in self._work if spell[1] > since)
        return sum(min(end, now) - max(start, since) for start, end in self._work if start < now)


class Service:
    """The pods of one run, on SimPy's clock."""

    def __init__(self, plan: Plan, seed: int) -> None:
        if plan.split == "central" and plan.scaler:
            raise ValueError("the split central requires fixed pods; with a scaler, choose the split in turn")
        self.plan, self.outcome, self.env = plan, Outcome(), simpy.Environment()
        # Separate random streams, so that plans with different numbers of pods get the same requests.
        self._arrivals, self._service, self._chance = (random.Random(f"{seed}/{part}") for part in "asc")  # noqa: S311
        one = plan.split == "central"
        places = plan.concurrency * (plan.pods if one else 1)
        self._ready = [self._pod(places) for _ in range(1 if one else plan.pods)]
        self._starting: list[Pod] = []
        self._turn = 0
        self._proposals = deque[tuple[float, int]]()
        self.outcome.pods.append((0, len(self._ready)))

    def run(self) -> Outcome:
        """Simulate to the end and return the outcome."""
        self.env.process(self._arrive())
        if self.plan.scaler:
            self.env.process(self._look(self.plan.scaler))
        self.env.run(until=self.plan.seconds)
        self.outcome.pod_seconds += sum(self.plan.seconds - pod.since for pod in self._ready + self._starting)
        return self.outcome

    def _pod(self, places: int) -> Pod:
        plan = self.plan
        return Pod(places, self.env.now, watched=plan.scaler is not None, limited=plan.queue_limit is not None)

    def _arrive(self) -> Process:
        plan, env, times = self.plan, self.env, self.outcome.times
        most, level = plan.course.most, len(plan.course.points) == 1
        while True:
            yield env.timeout(self._arrivals.expovariate(most))
            if level or self._arrivals.random() * most < plan.course.at(env.now):
                pod, takes = self._next(), plan.draw(self._service)
                if plan.queue_limit is not None and pod.full(env.now, plan.queue_limit):
                    self.outcome.refused += env.now >= plan.warm_up
                    continue
                answered = pod.serve(env.now, takes)
                if env.now >= plan.warm_up:
                    times.append(answered - env.now)

    def _next(self) -> Pod:
        if self.plan.split == "at random":
            return self._chance.choice(self._ready)
        self._turn = (self._turn + 1) % len(self._ready)
        return self._ready[self._turn]

    def _look(self, scaler: Scaler) -> Process:
        while True:
            yield self.env.timeout(HPA_SYNC)
            self._bring_to(self._wanted(scaler), scaler)

    def _proposed(self, scaler: Scaler) -> int:
        """Return the pods that the last interval's work needs, as kube-controller-manager's replica calculator does."""
        now, ready = self.env.now, len(self._ready)
        here = ready + len(self._starting)
        work = sum(pod.busy(now - HPA_SYNC, now) for pod in self._ready) / HPA_SYNC / self.plan.concurrency
        grows = work > scaler.target * ready
        ratio = work / scaler.target / (here if grows else ready)  # starting pods count as idle, only when scaling up
        if abs(ratio - 1) <= HPA_TOLERANCE or grows != (ratio > 1):
            return here
        return ceil(work / scaler.target - 1e-9)

    def _wanted(self, scaler: Scaler) -> int:
        """Return the pods that the HPA asks for now, within its range, scaling rate and stabilization window."""
        now, here = self.env.now, len(self._ready) + len(self._starting)
        floor = max([scaler.least, *(one.pods for one in self.plan.schedule if one.start <= now < one.end)])
        asked = min(max(self._proposed(scaler), floor), max(scaler.most, floor))
        self._proposals.append((now, asked))
        while self._proposals[0][0] < now - SCALE_DOWN_STABILIZATION:
            self._proposals.popleft()
        if asked < here:
            return min(here, max(one for _, one in self._proposals))
        return min(asked, max(SCALE_UP_FACTOR * here, here + SCALE_UP_PODS))

    def _bring_to(self, wanted: int, scaler: Scaler) -> None:
        here = len(self._ready) + len(self._starting)
        self.outcome.scale_outs += wanted > here
        for _ in range(wanted - here):
            self.env.process(self._start(scaler.cold_start))
        for _ in range(here - wanted):  # starting pods are removed first, then the youngest
            gone = (self._starting or self._ready).pop()
            self.outcome.pod_seconds += self.env.now - gone.since
        if wanted < here:
            self.outcome.pods.append((self.env.now, len(self._ready)))

    def _start(self, cold_start: float) -> Process:
        pod = self._pod(self.plan.concurrency)
        self._starting.append(pod)
        yield self.env.timeout(cold_start)
        if pod in self._starting:  # it has not been removed in the meantime
            self._starting.remove(pod)
            self._ready.append(pod)
            self.outcome.pods.append((self.env.now, len(self._ready)))


def simulate(plan: Plan, seed: int) -> Outcome:
    """Run a plan once; the same seed generates the same requests for any number of pods."""
    return Service(plan, seed).run()


def met(plan: Plan, objective: Objective, seeds: range) -> Iterator[bool]:
    """Yield for each seed whether the objective held."""
    for seed in seeds:
        yield simulate(plan, seed).meets(objective)
