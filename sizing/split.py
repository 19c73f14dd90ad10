"""Time in system behind a proxy that splits requests over pods, each with its own queue.

M/M/n sends every request to the pod that becomes free first. A proxy does not know which pod that is: it deals requests
out in turn (Traefik, nginx) or at random (kube-proxy), and a request may wait at its pod while other pods are idle.
Dealt in turn over n pods, each pod gets every n-th request: its arrivals are Erlang-n, more even than Poisson, which
recovers part of what the split loses.

- One request at a time per pod, in turn: the queue E_n/G/1, solved exactly by its transform.
- Several at a time: no exact solution is known for gamma service. The wait has the mean of Allen-Cunneen with the
  Krämer-Langenbach-Belz factor, and an exponential tail with the exact rate of decay (Takahashi, *Advances in Applied
  Probability* 13, 1981); service is added by integration. Exact for M/M/n; compared with simulation, the share of late
  requests is off by up to one eighth of its value.
"""

import cmath
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import comb, exp, expm1, inf, log1p, pi
from typing import Literal

from models.gamma import GammaTime
from sizing import queueing
from sizing.queueing import allen_cunneen, even_arrivals, time_of

Split = Literal["in turn", "at random", "central"]
"""How requests reach pods: dealt in turn, at random, or from one central queue to the first free pod (M/G/n)."""

_EULER_TERMS, _EULER_AVERAGED, _EULER_SHIFT = 30, 11, 18.4
"""Parameters of the numerical inversion; the shift limits its error to exp(-18.4) = 1e-8."""
_ROOT_STEPS, _ROOT_PRECISION = 1000, 1e-12
_PHASES = 128
"""Largest number of phases of an arrival stream: more phases are hardly more even and cost time."""
_NODES = 64
"""Points of the integration over waits."""


@dataclass(frozen=True)
class Station:
    """One queue and its servers; all pods of a split service have the same."""

    servers: int
    """Requests served at once."""
    rate: float
    """Arrivals per second."""
    phases: int
    """Every phases-th request of a Poisson stream arrives here; 1 = the Poisson stream itself."""
    service: GammaTime

    @classmethod
    def of(cls, split: Split, pods: int, rate: float, service: GammaTime, concurrency: int = 1) -> "Station":
        """Return the station that a request arrives at; ``rate`` is the rate of the whole service."""
        if split == "central":
            return cls(pods * concurrency, rate, 1, service)
        return cls(concurrency, rate / pods, min(pods, _PHASES) if split == "in turn" else 1, service)

    @property
    def utilization(self) -> float:
        """Share of busy time."""
        return self.rate * self.service.seconds / self.servers

    @property
    def mean(self) -> float:
        """Mean time in system in seconds; infinite under overload."""
        return self.wait + self.service.seconds

    def late(self, within: float) -> float:
        """Return the share of requests whose time in system is longer than ``within`` seconds."""
        if self.utilization >= 1:
            return 1.0
        found = self._inverted(within) if self.servers == 1 else self._added(within)
        return min(max(found, 0.0), 1.0)

    def quantile(self, share: float) -> float:
        """Return the time in system, in seconds, that this share of the requests does not exceed."""
        return inf if self.utilization >= 1 else time_of(self.late, 1 - share, self.mean)

    @cached_property
    def wait(self) -> float:
        """Mean time before service in seconds."""
        if self.utilization >= 1:
            return inf
        mean, spread = self.service.seconds, self.service.cv**2
        if self.servers == 1:  # the derivative of the transform at 0
            dealt = self.rate * self.phases
            second = (mean**2 * (1 + spread) - self.phases * (self.phases - 1) / dealt**2) / 2
            found = second / (1 / self.rate - mean) + sum(1 / root for root in self._roots).real
            return max(found, 0.0)  # with short waits it is a small difference of large numbers
        arrivals = 1 / self.phases
        factor = allen_cunneen(arrivals, spread) * even_arrivals(self.utilization, arrivals, spread)
        return factor * queueing.mean_wait(self.servers, self.rate, mean)

    @cached_property
    def _roots(self) -> list[complex]:
        """Zeros of B(s) - (1 - s / dealt)^n right of 0: Adan and Zhao, "Analyzing GI/E_r/1 queues" (1996)."""
        dealt, found = self.rate * self.phases, list[complex]()
        for j in range(1, self.phases):
            turn = cmath.exp(2j * pi * j / self.phases)
            root = dealt * (1 - turn)
            for _ in range(_ROOT_STEPS):
                better = dealt * (1 - turn * self._served(root, self.phases))
                moved, root = abs(better - root), better
                if moved < _ROOT_PRECISION * dealt:
                    break
            found.append(root)
        return found

    def _served(self, s: complex, part: int = 1) -> complex:
        """Return the Laplace transform of the service time, or its part-th root."""
        spread = self.service.cv**2
        return cmath.exp(-cmath.log(1 + self.service.seconds * spread * s) / (spread * part))

    def _time(self, s: complex) -> complex:
        """Return the Laplace transform of the time in system (Kleinrock, *Queueing Systems* 1, section 8.2)."""
        served, dealt = self._served(s), self.rate * self.phases
        zeros: complex = s * (1 / self.rate - self.service.seconds)
        for root in self._roots:
            zeros *= 1 - s / root
        return zeros * served / (served - (1 - s / dealt) ** self.phases)

    def _inverted(self, within: float) -> float:
        return euler(lambda s: (1 - self._time(s)) / s, within) if within > 0 else 1.0

    def _added(self, within: float) -> float:
        """Return the tail of the sum of wait and service: a share of the requests waits, exponentially."""
        decay = self._decay
        waits = min(self.wait * decay, 1.0)
        reach = -exp(-decay * within) + 1
        shares = ((i + 0.5) / _NODES * reach for i in range(_NODES))
        served = sum(self.service.longer_than(within + log1p(-share) / decay) for share in shares) / _NODES
        return (1 - waits) * self.service.longer_than(within) + waits * (1 - reach + reach * served)

    @property
    def _decay(self) -> float:
        """The rate per second at which the tail of the wait decays: the root x of A(-x) B(x / servers) = 1.

        The root is below 1 / scale, where B diverges, and for uneven service times it is closer to that limit than
        floats can represent. The search therefore uses the logarithm of the remaining distance, which is unbounded.
        """
        spread = self.service.cv**2
        scale = self.service.seconds * spread / self.servers
        dealt = self.rate * self.phases
        low, high = 0.0, spread * self.phases * log1p(1 / (scale * dealt))
        for _ in range(100):
            left = (low + high) / 2
            grown = left / spread - self.phases * log1p(-expm1(-left) / (scale * dealt))
            low, high = (left, high) if grown < 0 else (low, left)
        return -expm1(-low) / scale


def erlang_time(pods: int, rate: float, service: GammaTime, concurrency: int, share: float) -> tuple[float, float]:
    """Return mean and quantile of the time in system of the textbook M/M/n (one queue for all pods), in seconds."""
    servers = pods * concurrency
    mean = queueing.mean_time(servers, rate, service.seconds)
    return mean, queueing.quantile(servers, rate, service.seconds, share)


def euler(transform: Callable[[complex], complex], t: float) -> float:
    """Invert a Laplace transform at t > 0: Abate and Whitt, *ORSA Journal on Computing* 7 (1995), algorithm EULER."""
    x, step = _EULER_SHIFT / (2 * t), pi / t
    total, last = transform(complex(x)).real / 2, list[float]()
    for i in range(1, _EULER_TERMS + _EULER_AVERAGED + 1):
        total += (-1) ** i * transform(complex(x, i * step)).real
        if i >= _EULER_TERMS:
            last.append(total)
    averaged = sum(comb(_EULER_AVERAGED, i) * value for i, value in enumerate(last)) / 2**_EULER_AVERAGED
    return exp(_EULER_SHIFT / 2) / t * averaged
