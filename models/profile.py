"""A metrics profile: the names under which a server counts its requests and measures their times, as data.

The gate, the alerts, the dashboard and the autoscalers' rules know no server. They know a profile, and leave out what
it does not offer. The shipped profiles are YAML files in ``catalog/profiles``; an entry may contain further ones.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from models.base import Model
from models.image import ProjectPath
from models.pattern import Pattern
from models.vocabulary import LABEL_NAME, HttpPath, MetricName, Name, Port

DURATION = "duration"
"""The histogram from the beginning of a request to the end of its answer: ``gate.latency`` and ``slo.latency``."""
WAIT, INFERENCE, BATCH = "wait", "inference", "batch"
"""Histograms or means that alerts and panels show: waiting time, time in the model, requests computed together."""
_PER_MILLISECOND = {"seconds": 0.001, "milliseconds": 1.0, "microseconds": 1000.0}


def _label_name(value: str) -> str:
    if not LABEL_NAME.fullmatch(value) or value.startswith("__"):
        raise ValueError("a label of a series contains only letters, digits and '_', and does not start with a digit")
    return value


LabelName = Annotated[str, AfterValidator(_label_name)]
Matching = dict[LabelName, Pattern]
"""Label → pattern that the whole value matches."""
Unit = Literal["seconds", "milliseconds", "microseconds", "requests"]


class Answers(Model):
    """Some of the requests: those whose label has certain values, those of a counter of their own, or both."""

    counter: MetricName | None = Field(
        default=None, description="counter of only these requests; none = all the profile's counters"
    )
    label: LabelName | None = Field(default=None, description="label that tells them apart", examples=["status"])
    values: Pattern | None = Field(default=None, description="pattern of the whole value", examples=["5.."])

    @model_validator(mode="after")
    def _tells_something(self) -> Self:
        if (self.label is None) != (self.values is None):
            raise ValueError("label and values belong together; set both, or only counter")
        if self.counter is None and self.label is None:
            raise ValueError("selects no requests; set label and values, or counter")
        return self


class Requests(Model):
    """The counters of answered requests."""

    counters: tuple[MetricName, ...] = Field(
        min_length=1, description="counters that together count each request once", examples=[["http_requests_total"]]
    )
    without: Matching = Field(
        default_factory=dict, description="series that count no client requests, such as probes, by label"
    )
    errors: Answers = Field(description="the requests that failed because of the server")
    refused: Answers | None = Field(default=None, description="the requests that a full queue refused")
    group: LabelName | None = Field(
        default=None, description="label by which the dashboard groups; none = errors.label"
    )


class Histogram(Model):
    """A classic histogram. Native histograms have no bounds that a gate could count at."""

    metric: MetricName = Field(description="name without _bucket", examples=["http_request_duration_seconds"])
    unit: Unit = Field(default="seconds", description="unit of the buckets' bounds")
    bounds: tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...] | None = Field(
        default=None, description="upper bounds of the buckets, in the unit; none = read from Prometheus by a release"
    )
    without: Matching = Field(default_factory=dict, description="series that are not counted, by label")

    def bound(self, within: int) -> float:
        """Return a time in milliseconds in the histogram's unit."""
        return _exact(within * _PER_MILLISECOND[self.unit])

    def fault(self, within: int) -> str:
        """Return why a time in milliseconds cannot be judged with this histogram; empty if it can, or nobody knows."""
        if self.unit == "requests":
            return f"{self.metric} counts requests and measures no time; choose another histogram"
        if self.bounds is None or self.bound(within) in self.bounds:
            return ""
        return not_a_bound(within, self.metric, [bound / _PER_MILLISECOND[self.unit] for bound in self.bounds])


class Mean(Model):
    """Two counters whose quotient is a mean: those of a histogram or a summary, or counters of a server's own."""

    sum: MetricName = Field(description="counter of the values' sum")
    count: MetricName = Field(description="counter of the number of values")
    unit: Unit = Field(default="seconds", description="unit of the values")


class Build(Model):
    """A series whose labels say what a pod runs."""

    metric: MetricName = Field(description="name of the series")
    labels: tuple[LabelName, ...] = Field(min_length=1, description="labels that identify the version")


class MetricsProfile(Model):
    """What a server, or the proxy in front of it, offers. Everything is optional."""

    source: Literal["server", "proxy"] = Field(
        default="server", description="proxy = the counters and the duration histogram of slipway:cluster.proxyMetrics"
    )
    contexts: tuple[ProjectPath, ...] = Field(
        default=(), description="build contexts whose images have this profile unless a service names another"
    )
    scrape: bool = Field(default=True, strict=True, description="whether Prometheus scrapes the pods")
    requests: Requests | None = Field(default=None, description="none = the server counts no requests")
    histograms: dict[Name, Histogram] = Field(
        default_factory=dict,
        description="times that a gate can judge, by name; duration = from the beginning of a request to its end",
    )
    means: dict[Name, Mean] = Field(
        default_factory=dict, description="means of what has no histogram: wait, inference or batch"
    )
    queue: MetricName | None = Field(default=None, description="gauge: requests that wait")
    in_flight: MetricName | None = Field(default=None, description="gauge: requests in progress")
    process: bool = Field(
        default=False,
        strict=True,
        description="whether process_cpu_seconds_total and process_resident_memory_bytes are those of the server",
    )
    build: Build | None = Field(default=None, description="none = no series says what a pod runs")
    port: Port | None = Field(
        default=None, description="port of the pod that serves the metrics; none = the service's port"
    )
    path: HttpPath = Field(default="/metrics", description="path of the metrics")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        own = [name for name in ("requests", "histograms", "means") if getattr(self, name)]
        if self.source == "proxy" and own:
            raise ValueError(f"source is proxy, whose series have fixed names; remove {' and '.join(own)}")
        return self

    def mean(self, name: str) -> Mean | None:
        """Return the counters of a mean; those of a histogram of this name, if there is no other."""
        found = self.histograms.get(name)
        if found is None:
            return self.means.get(name)
        return Mean(sum=f"{found.metric}_sum", count=f"{found.metric}_count", unit=found.unit)


PROXY = MetricsProfile(source="proxy")
"""The default profile of a service with a route. Its pods are scraped, because checks may read their series.

The shipped profile ``proxy`` is for pods without metrics.
"""
NOTHING = MetricsProfile()
"""The default profile of a service without a route."""


def _kind(value: object) -> str:
    return "name" if isinstance(value, str) else "profile"


ChosenProfile = Annotated[
    Annotated[Name, Tag("name")] | Annotated[MetricsProfile, Tag("profile")], Discriminator(_kind)
]
"""The name of a profile, or a profile written by hand."""


def not_a_bound(within: int, metric: str, bounds: list[float]) -> str:
    """Return the line about a time that is no bound of a histogram. All times are in milliseconds."""
    known = ", ".join(f"{_exact(bound):.15g}" for bound in sorted(bounds))
    return f"{within}ms is not a bound of {metric}, which has the bounds {known} ms; choose one of them"


def _exact(value: float) -> float:
    """Return a product as the shortest decimal that is meant: 0.07 and not 0.07000000000000001."""
    return float(f"{value:.12g}")
