"""A service as discrete events: requests that arrive, pods that work, an autoscaler that looks.

What it is driven by may change in time and may be measured, which the formulas of `planning/split.py` cannot take. Each
request is one event: a pod serves first come first served, so when a request is answered is known when it arrives
(Lindley's recursion; Kiefer and Wolfowitz' for a pod that works on several), whoever comes later.

A pod that is taken away gets no more requests and answers those that it has, as ``drain`` has it do.
"""

import random
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from heapq import heapreplace
from math import ceil, exp, inf, log, sqrt

import simpy

from models.gamma import GammaTime
from planning.sizing import HPA_SYNC, HPA_TOLERANCE, Demand, Objective
from planning.split import Split

Draw = Callable[[random.Random], float]
"""Gives the seconds of one request's service."""
Process = Generator[simpy.Event, object, None]

SCALE_DOWN_STABILIZATION = 300
"""Seconds: the HPA takes the highest proposal of so long before it takes pods away (Kubernetes' default)."""
SCALE_UP_FACTOR, SCALE_UP_PODS = 2, 4
"""In 15 s the HPA at most doubles the pods, or adds four, whichever is more (Kubernetes' default ``scaleUp``)."""


def gamma(time: GammaTime) -> Draw:
    """Draw from the distribution that the formulas assume."""
    scale = time.seconds / time.shape
    return lambda chance: chance.gammavariate(time.shape, scale)


def lognormal(time: GammaTime) -> Draw:
    """Draw from a distribution of the same mean and variation with a heavier tail."""
    spread = log(1 + time.cv**2)
    centre, width = log(time.seconds) - spread / 2, sqrt(spread)
    return lambda chance: exp(chance.gauss(centre, width))


def measured(times: list[float]) -> Draw:
    """Draw one of the service times that were measured, in seconds."""
    return lambda chance: chance.choice(times)


@dataclass(frozen=True)
class Course:
    """Requests per second over time: straight lines between points, and level after the last."""

    points: tuple[tuple[float, float], ...]
    """Second and rate; the first second is 0."""

    @classmethod
    def level(cls, rate: float) -> "Course":
        """Give the same rate for ever."""
        return cls(((0, rate),))

    @property
    def most(self) -> float:
        """The highest rate."""
        return max(rate for _, rate in self.points)

    def at(self, second: float) -> float:
        """Give the rate at a time."""
        after = bisect_right(self.points, (second, inf))
        if after == len(self.points):
            return self.points[-1][1]
        (left, low), (right, high) = self.points[after - 1 : after + 1]
        return low + (high - low) * (second - left) / (right - left)


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """An HPA on busy time, with Kubernetes' default pace, and pods that need a while."""

    target: float
    """Share of busy time."""
    least: int
    most: int
    cold_start: float
    """Seconds from its decision to the first answer."""


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """At least so many pods between two times: scaling ahead of a known peak."""

    start: float
    end: float
    pods: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated."""

    course: Course
    seconds: float
    draw: Draw
    pods: int
    """At the start; for ever without a scaler."""
    concurrency: int = 1
    split: Split = "in turn"
    scaler: Scaler | None = None
    schedule: tuple[Scheduled, ...] = ()
    warm_up: float = 0
    """Seconds whose requests are not counted: all pods are idle at first."""

    @classmethod
    def steady(cls, demand: Demand, pods: int, requests: int, draw: Draw | None = None) -> "Plan":
        """Give so many requests at a demand's usual rate on so many pods, after a tenth that is not counted."""
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
    """What happened."""

    times: list[float] = field(default_factory=list[float])
    """Seconds in system of each counted request, in the order of arrival."""
    pods: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """When the number of answering pods became what."""
    scale_outs: int = 0
    """How often the autoscaler asked for more pods."""
    pod_seconds: float = 0
    """From the decision to make a pod to the one to take it away."""

    def within(self, seconds: float) -> float:
        """Give the share of requests that were answered within a time."""
        return sum(time <= seconds for time in self.times) / len(self.times) if self.times else 1.0

    def meets(self, objective: Objective) -> bool:
        """Whether the objective was held."""
        return self.within(objective.within) >= objective.share

    def quantile(self, share: float) -> float:
        """Give the time in seconds that this share of the requests did not exceed."""
        return sorted(self.times)[min(int(share * len(self.times)), len(self.times) - 1)]

    @property
    def mean(self) -> float:
        """Mean time in system in seconds."""
        return sum(self.times) / len(self.times)


class Pod:
    """One pod: its places, each with the second from which it is free, and when it was busy."""

    def __init__(self, places: int, since: float, *, watched: bool) -> None:
        self.free = [since] * places
        self.since = since
        """When it was asked for."""
        self._work = deque[tuple[float, float]](maxlen=None if watched else 0)

    def serve(self, now: float, takes: float) -> float:
        """Take a request that takes so long; give the second at which it is answered."""
        start = max(now, self.free[0])
        heapreplace(self.free, start + takes)
        self._work.append((start, start + takes))
        return start + takes

    def busy(self, since: float, now: float) -> float:
        """Give the seconds of work between two times, over all places; what ended before is forgotten."""
        self._work = deque(spell for spell in self._work if spell[1] > since)
        return sum(min(end, now) - max(start, since) for start, end in self._work if start < now)


class Service:
    """The pods of one run, on SimPy's clock."""

    def __init__(self, plan: Plan, seed: int) -> None:
        if plan.split == "central" and plan.scaler:
            raise ValueError("one queue for all is a textbook's model of fixed pods; with a scaler, split in turn")
        self.plan, self.outcome, self.env = plan, Outcome(), simpy.Environment()
        # Apart, so that another number of pods meets the same requests.
        self._arrivals, self._service, self._chance = (random.Random(f"{seed}/{part}") for part in "asc")  # noqa: S311
        one = plan.split == "central"
        places = plan.concurrency * (plan.pods if one else 1)
        self._ready = [Pod(places, 0, watched=plan.scaler is not None) for _ in range(1 if one else plan.pods)]
        self._starting: list[Pod] = []
        self._turn = 0
        self._proposals = deque[tuple[float, int]]()
        self.outcome.pods.append((0, len(self._ready)))

    def run(self) -> Outcome:
        """Simulate to the end."""
        self.env.process(self._arrive())
        if self.plan.scaler:
            self.env.process(self._look(self.plan.scaler))
        self.env.run(until=self.plan.seconds)
        self.outcome.pod_seconds += sum(self.plan.seconds - pod.since for pod in self._ready + self._starting)
        return self.outcome

    def _arrive(self) -> Process:
        plan, env, times = self.plan, self.env, self.outcome.times
        most, level = plan.course.most, len(plan.course.points) == 1
        while True:
            yield env.timeout(self._arrivals.expovariate(most))
            if level or self._arrivals.random() * most < plan.course.at(env.now):
                answered = self._next().serve(env.now, plan.draw(self._service))
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
        """Give what the last interval's work asks for, as kube-controller-manager's replica calculator does."""
        now, ready = self.env.now, len(self._ready)
        here = ready + len(self._starting)
        work = sum(pod.busy(now - HPA_SYNC, now) for pod in self._ready) / HPA_SYNC / self.plan.concurrency
        grows = work > scaler.target * ready
        ratio = work / scaler.target / (here if grows else ready)  # pods that start count as idle, but only upwards
        if abs(ratio - 1) <= HPA_TOLERANCE or grows != (ratio > 1):
            return here
        return ceil(work / scaler.target - 1e-9)

    def _wanted(self, scaler: Scaler) -> int:
        """Give the pods that the HPA asks for now: within its range, its pace and its patience."""
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
        for _ in range(here - wanted):  # those that do not answer yet go first, then the youngest
            gone = (self._starting or self._ready).pop()
            self.outcome.pod_seconds += self.env.now - gone.since
        if wanted < here:
            self.outcome.pods.append((self.env.now, len(self._ready)))

    def _start(self, cold_start: float) -> Process:
        pod = Pod(self.plan.concurrency, self.env.now, watched=True)
        self._starting.append(pod)
        yield self.env.timeout(cold_start)
        if pod in self._starting:  # nobody has taken it away meanwhile
            self._starting.remove(pod)
            self._ready.append(pod)
            self.outcome.pods.append((self.env.now, len(self._ready)))


def simulate(plan: Plan, seed: int) -> Outcome:
    """Run a plan once; the same seed gives the same requests, however many pods there are."""
    return Service(plan, seed).run()


def met(plan: Plan, objective: Objective, seeds: range) -> Iterator[bool]:
    """Say of each seed whether the objective was held."""
    for seed in seeds:
        yield simulate(plan, seed).meets(objective)
