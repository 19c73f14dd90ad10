"""The signals that an HPA follows, and how fast it may follow them."""

import zoneinfo
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.quantity import Quantity
from models.vocabulary import LabelKey, LabelValue, MetricName, Positive, Seconds, Text, Utilization

MATCHERS = "<<.LabelMatchers>>"
"""In a query, where prometheus-adapter puts the namespace of the HPA that asks and what its selector says; in a
trigger's query, where we put namespace and slot."""


class ResourceTarget(Model):
    """Average use that the HPA steers to."""

    utilization: Utilization = Field(description="target utilization, in percent of the requests", examples=[70])


class PodsMetric(Model):
    """A counter that every pod exports, as its rate per pod and second (Pods metric, custom.metrics.k8s.io)."""

    average: Quantity = Field(description="per pod and second", examples=[20])
    window: Seconds = Field(default=120, ge=10, description="time window over which the adapter computes the rate")


class ExternalMetric(Model):
    """A number that belongs to no pod, such as a queue's length (External metric, external.metrics.k8s.io)."""

    average: Quantity = Field(description="per pod: the value divided by the replicas", examples=[500])
    query: Text | None = Field(
        default=None,
        description="PromQL of the adapter; <<.LabelMatchers>> = namespace, slot and labels; none = not ours",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="labels that select one of several series"
    )


class Metrics(Model):
    """All signals of one HPA; the one that asks for most replicas decides."""

    cpu: ResourceTarget | None = None
    memory: ResourceTarget | None = None
    pods: dict[MetricName, PodsMetric] = Field(default_factory=dict)
    external: dict[MetricName, ExternalMetric] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not (self.cpu or self.memory or self.pods or self.external):
            raise ValueError("metrics is empty: an HPA needs a signal; name cpu, memory, pods or external")
        return self


LONGEST_STABILIZATION = 3600
"""Seconds; the API server's limit for ``stabilizationWindowSeconds``."""
LONGEST_PERIOD = 1800
"""Seconds; the API server's limit for a policy's ``periodSeconds``."""


class Pace(Model):
    """How fast the replicas may change in one direction; with pods and percent, the smaller one decides."""

    stabilization: Seconds | None = Field(
        default=None,
        le=LONGEST_STABILIZATION,
        description="stabilization window: the most cautious proposal within it wins",
    )
    pods: Positive | None = Field(default=None, description="maximum change per period, in pods")
    percent: Positive | None = Field(default=None, description="maximum change per period, in percent")
    period: Seconds = Field(default=60, ge=1, le=LONGEST_PERIOD)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.stabilization is None and self.pods is None and self.percent is None:
            raise ValueError("give stabilization, pods or percent; the rest are Kubernetes' defaults")
        return self


class Behavior(Model):
    """Pace of scaling up and down; none = Kubernetes' defaults."""

    scale_up: Pace | None = None
    scale_down: Pace | None = None


class RedisTrigger(Model):
    """Length of a list in a Redis store of the system: what a queue's workers follow."""

    store: Text = Field(description="key under stores")
    list: Text = Field(description="the list's key", examples=["celery"])
    length: Positive = Field(description="queue entries per replica")


class PrometheusTrigger(Model):
    """The value of a query, per replica."""

    query: Text = Field(
        description="PromQL; <<.LabelMatchers>> = namespace and slot, so that each slot has its own share"
    )
    threshold: Quantity = Field(description="per replica")


def _cron(value: str) -> str:
    if len(value.split()) != _CRON_FIELDS:
        raise ValueError("a cron expression has five fields: minute, hour, day, month, day of the week")
    return value


def _time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise ValueError("no time zone of the IANA database; write it as in Europe/Berlin or UTC")
    return value


_CRON_FIELDS = 5
Cron = Annotated[str, AfterValidator(_cron)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class CronTrigger(Model):
    """A fixed number of replicas between two points of time: scaling ahead of a known peak."""

    timezone: TimeZone = Field(examples=["Europe/Berlin"])
    start: Cron = Field(examples=["30 7 * * 1-5"])
    end: Cron = Field(examples=["0 18 * * 1-5"])
    replicas: Positive

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same: the peak would never begin; give another end")
        return self


class Trigger(Model):
    """One KEDA trigger: exactly one kind."""

    redis: RedisTrigger | None = None
    prometheus: PrometheusTrigger | None = None
    cron: CronTrigger | None = None
    cpu: ResourceTarget | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"{', '.join(given) or 'none'} given; give exactly one of redis, prometheus, cron, cpu")
        return self
