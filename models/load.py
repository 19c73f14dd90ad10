"""The load that a service is planned for: the rate of requests, and how long a pod works on one request.

The program declares no resource from the load. `sizing/sizing.py` computes replicas and the HPA's target, which the
preview and `slipway size` compare with the entry's scaling.
"""

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from models.base import Model
from models.gamma import GammaTime
from models.monitoring import LatencyObjective
from models.vocabulary import Milliseconds, Positive, Seconds, Utilization

Rate = Annotated[float, Field(strict=True, gt=0, le=1_000_000, allow_inf_nan=False)]
"""Requests per second."""
Variation = Annotated[float, Field(strict=True, ge=0.05, le=4, allow_inf_nan=False)]
"""Standard deviation divided by mean."""


class ServiceTime(Model):
    """How long a pod works on one request, without waiting time."""

    mean: Milliseconds = Field(ge=1, description="service time of one request on an idle pod", examples=["100ms"])
    cv: Variation = Field(
        default=1.0, description="coefficient of variation: 1 = exponential, 0.1 = nearly constant", examples=[0.5]
    )

    @property
    def distribution(self) -> GammaTime:
        """The service time as a random variable, in seconds."""
        return GammaTime(self.mean / 1000, self.cv)


class Load(Model):
    """The rate of requests, and the capacity of one pod."""

    rate: Rate = Field(description="requests per second on a usual busy day", examples=[50])
    peak: Rate | None = Field(default=None, description="maximum requests per second; none = rate", examples=[150])
    ramp: Seconds = Field(
        default=0, description="time in which the rate grows to the peak; 0s = immediately", examples=["10m"]
    )
    service: ServiceTime
    concurrency: Positive = Field(default=1, description="requests that one pod works on at the same time")
    cold_start: Seconds | None = Field(
        default=None,
        description="time from the decision to scale out until the new pod's first answer; none = health.startup",
        examples=["42s"],
    )
    utilization: Utilization = Field(
        default=80, description="highest planned share of busy time, in percent", examples=[80]
    )

    @property
    def highest(self) -> float:
        """The maximum number of requests per second."""
        return self.rate if self.peak is None else self.peak

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.highest < self.rate:
            raise ValueError(
                f"peak {self.peak:g} is below rate {self.rate:g}; raise it, or remove it if the rate does not grow"
            )
        if self.ramp and self.highest == self.rate:
            raise ValueError(f"ramp {self.ramp}s requires a peak above rate {self.rate:g}; set peak")
        return self


def faults(load: Load, objective: LatencyObjective) -> Iterator[str]:
    """Yield a fault, as ``path: rule`` below the service, if no number of pods can meet the objective."""
    late, allowed = load.service.distribution.longer_than(objective.within / 1000), 1 - float(objective.percent) / 100
    if late >= allowed:
        yield (
            f"load.service: with a mean of {load.service.mean}ms and cv {load.service.cv:g}, {100 * late:.2g} % of the "
            f"requests take longer than {objective.within}ms even without waiting, but monitoring.slo.latency allows "
            f"only {100 * allowed:.2g} %, so no number of pods is enough; make the server faster or the objective wider"
        )
