"""How Prometheus finds and scrapes a service, and which alerts it raises."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from models.base import Model
from models.vocabulary import HttpPath, LabelKey, LabelValue, Milliseconds, Seconds


def _objective(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("an objective is a percentage, such as 99.9")  # noqa: TRY004 -- pydantic's protocol
    return str(value)


Objective = Annotated[
    Decimal,
    BeforeValidator(_objective),
    Field(ge=50, lt=100, max_digits=6, decimal_places=4),
    WithJsonSchema({"type": ["number", "string"], "examples": [99.9]}),
]
"""Percent of requests. 100 is refused, because it leaves no error budget."""


class LatencyObjective(Model):
    """The percentage of requests that must be answered within a time limit."""

    percent: Objective = Field(description="percent of requests", examples=[99])
    within: Milliseconds = Field(ge=1, description="time limit of an answer", examples=["500ms"])


class Slo(Model):
    """Objectives over 30 days. Each becomes four burn-rate alerts: two page, and two open tickets."""

    availability: Objective | None = Field(default=None, description="percent of requests without a 5xx")
    latency: LatencyObjective | None = Field(default=None, description="none = no latency objective")

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if self.availability is None and self.latency is None:
            raise ValueError("slo is empty; set availability or latency, or remove it")
        return self


Severity = Annotated[
    Literal["critical", "warning", "info"],
    Field(description="critical pages, warning opens a ticket, info only informs"),
]
"""The severity of an alert."""


class MeanLatency(Model):
    """Alert HighInferenceLatency: the mean inference time stays above a limit."""

    above: Milliseconds = Field(ge=1, description="limit of the mean inference time", examples=["500ms"])
    holds: Seconds = Field(default=300, alias="for", description="how long the condition must last")
    severity: Severity = "critical"


_DOWN = (
    "how long the condition must last; none = 5m, or rollout.progressDeadline if that is longer, "
    "because a pod may take that long to start"
)


class TargetDown(Model):
    """Alert TargetDown: a pod exists but does not answer Prometheus."""

    holds: Seconds | None = Field(default=None, alias="for", description=_DOWN, examples=["5m"])
    severity: Severity = "warning"


class NoTargetUp(Model):
    """Alert NoTargetUp: no pod of a slot answers Prometheus although the slot should have pods, or none is scraped."""

    holds: Seconds | None = Field(default=None, alias="for", description=_DOWN, examples=["5m"])
    severity: Severity = Field(
        default="critical", description="severity for a slot that gets requests; other slots always raise a warning"
    )


class Saturation(Model):
    """Alert Saturation: a full queue refuses over 1 % of requests, or the mean wait is over 10 % of requestTimeout."""

    holds: Seconds = Field(
        default=600, alias="for", description="how long the condition must last; autoscaling gets this time to act"
    )
    severity: Severity = "critical"


class ReplicasAtMax(Model):
    """Alert ReplicasAtMax: an autoscaled slot runs maxReplicas pods. Fixed replicas never raise it."""

    holds: Seconds = Field(default=900, alias="for", description="how long the condition must last")
    severity: Severity = "warning"


class Alerts(Model):
    """The alerts of every monitored service. Null disables an alert."""

    target_down: TargetDown | None = Field(default=TargetDown(), description="a pod does not answer Prometheus")
    no_target_up: NoTargetUp | None = Field(
        default=NoTargetUp(), description="for each filled slot with a minimum of 1 or more replicas"
    )
    saturation: Saturation | None = Field(default=Saturation(), description="requests are refused or wait too long")
    replicas_at_max: ReplicasAtMax | None = Field(
        default=ReplicasAtMax(), description="an autoscaled slot runs its maximum number of pods"
    )


class Monitoring(Model):
    """One ServiceMonitor for the slots' private Services, and one PrometheusRule."""

    path: HttpPath | None = Field(default=None, description="path of the metrics; none = that of the metrics profile")
    interval: Seconds = Field(default=30, ge=1, description="interval between two scrapes")
    timeout: Seconds | None = Field(default=None, ge=1, description="timeout of one scrape; none = Prometheus' default")
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="labels by which a Prometheus selects monitors, such as release: prometheus"
    )
    slo: Slo | None = Field(default=None, description="objectives; none = no burn-rate alerts")
    mean_latency: MeanLatency | None = Field(default=None, description="none = no alert on the mean inference time")
    alerts: Alerts = Alerts()

    @model_validator(mode="after")
    def _timeout_within_interval(self) -> Self:
        if self.timeout and self.timeout > self.interval:
            raise ValueError(
                f"timeout {self.timeout}s exceeds interval {self.interval}s, which Prometheus refuses; lower timeout"
            )
        return self
