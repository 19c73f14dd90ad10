"""The metrics that an HPA follows, and how fast it may change the replicas."""

from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.errors import enumerated
from models.quantity import Quantity
from models.schedule import Cron, TimeZone, times
from models.vocabulary import Count, LabelKey, LabelValue, MetricName, Positive, Seconds, Text

MATCHERS = "<<.LabelMatchers>>"
"""A placeholder in queries. In a metric's query, prometheus-adapter replaces it with the namespace and selector of the
requesting HPA. In a trigger's query, Slipway replaces it with namespace and slot."""


class ResourceTarget(Model):
    """The average utilization that the HPA targets."""

    utilization: Positive = Field(
        description="target utilization, in percent of the requests; over 100 if the limit permits it", examples=[70]
    )


class PodsMetric(Model):
    """The rate of a counter that every pod exports, per pod and second (Pods metric, custom.metrics.k8s.io)."""

    average: Quantity = Field(description="target rate, per pod and second", examples=[20])
    window: Seconds = Field(default=120, ge=10, description="time window over which the adapter computes the rate")


class ExternalMetric(Model):
    """A value that belongs to no pod, such as the length of a queue (External metric, external.metrics.k8s.io)."""

    average: Quantity = Field(description="target per pod: the metric's value divided by the replicas", examples=[500])
    query: Text | None = Field(
        default=None,
        description="PromQL of the adapter; <<.LabelMatchers>> = namespace, slot and labels; "
        "none = the metric is not defined by Slipway",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="labels that select one of several series"
    )


class Metrics(Model):
    """All metrics of one HPA. The metric that requires the most replicas decides."""

    cpu: ResourceTarget | None = Field(default=None, description="CPU of the server's container")
    memory: ResourceTarget | None = Field(default=None, description="memory of the server's container")
    pods: dict[MetricName, PodsMetric] = Field(default_factory=dict, description="counters of the pods, by metric name")
    external: dict[MetricName, ExternalMetric] = Field(
        default_factory=dict, description="metrics that belong to no pod, by metric name"
    )

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not (self.cpu or self.memory or self.pods or self.external):
            raise ValueError("metrics is empty, but an HPA requires a metric; set cpu, memory, pods or external")
        return self


LONGEST_STABILIZATION = 3600
"""In seconds: the API server's limit for ``stabilizationWindowSeconds``."""
LONGEST_PERIOD = 1800
"""In seconds: the API server's limit for a policy's ``periodSeconds``."""


class Pace(Model):
    """How fast the replicas may change in one direction. With both pods and percent, the smaller change applies."""

    stabilization: Seconds | None = Field(
        default=None,
        le=LONGEST_STABILIZATION,
        description="stabilization window; the most conservative recommendation within it applies",
    )
    pods: Count | None = Field(default=None, description="maximum change per period, in pods; 0 = never")
    percent: Count | None = Field(default=None, description="maximum change per period, in percent; 0 = never")
    period: Seconds = Field(default=60, ge=1, le=LONGEST_PERIOD, description="period to which pods and percent apply")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.stabilization is None and self.pods is None and self.percent is None:
            raise ValueError(
                "the pace is empty; set stabilization, pods or percent; Kubernetes' defaults apply to the others"
            )
        return self

    @property
    def never(self) -> bool:
        """Whether the replicas must not change in this direction."""
        return 0 in (self.pods, self.percent)


class Behavior(Model):
    """The pace of scaling up and down; none = Kubernetes' defaults."""

    scale_up: Pace | None = Field(default=None, description="none = Kubernetes' defaults")
    scale_down: Pace | None = Field(default=None, description="none = Kubernetes' defaults")


class RedisTrigger(Model):
    """The length of a list in a Redis store of the system, for the workers of a queue."""

    store: Text = Field(description="key under stores")
    list: Text = Field(description="the list's key", examples=["celery"])
    length: Positive = Field(description="queue entries per replica")


class PrometheusTrigger(Model):
    """The value of a query, per replica."""

    query: Text = Field(
        description="PromQL; <<.LabelMatchers>> = namespace and slot, so that each slot scales by its own series"
    )
    threshold: Quantity = Field(description="target value per replica")


class CronTrigger(Model):
    """A fixed number of replicas between two times, to scale ahead of a known peak."""

    timezone: TimeZone = Field(description="name in the IANA database", examples=["Europe/Berlin"])
    start: Cron = Field(description="cron expression of five fields: when it begins", examples=["30 7 * * 1-5"])
    end: Cron = Field(description="cron expression of five fields: when it ends", examples=["0 18 * * 1-5"])
    replicas: Positive = Field(description="minimum number of replicas between start and end")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if times(self.start) == times(self.end):
            raise ValueError("start and end are the same, so the peak would never begin; choose another end")
        return self


class Trigger(Model):
    """One KEDA trigger, of exactly one kind."""

    redis: RedisTrigger | None = Field(default=None, description="length of a list in a store")
    prometheus: PrometheusTrigger | None = Field(default=None, description="value of a query")
    cron: CronTrigger | None = Field(default=None, description="schedule")
    cpu: ResourceTarget | None = Field(default=None, description="CPU of the server's container")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"a trigger has exactly one kind, but {enumerated(given) or 'none'} is set; set one of redis, "
                "prometheus, cron and cpu"
            )
        return self
