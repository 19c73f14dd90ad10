"""How many replicas a slot runs: either a fixed number, or a range within which an HPA or KEDA scales."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Discriminator, Field, Tag, model_validator

from models.base import Model
from models.metrics import Behavior, Metrics, Trigger
from models.quantity import parse
from models.resources import Resources
from models.share import PositiveShare, Share, pods_of
from models.vocabulary import Count, Name, Positive, Seconds


class Range(Model):
    """A range of replicas. The Deployment then has no ``replicas``, because every update would override the HPA."""

    min_replicas: Count = Field(description="minimum number of replicas; 0 requires triggers")
    max_replicas: Positive = Field(description="maximum number of replicas")
    behavior: Behavior = Behavior()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"minReplicas {self.min_replicas} exceeds maxReplicas {self.max_replicas}, so the "
                "API server would refuse the HPA; lower minReplicas or raise maxReplicas"
            )
        return self

    @property
    def floor(self) -> int:
        """The minimum number of replicas."""
        return self.min_replicas

    @property
    def ceiling(self) -> int:
        """The maximum number of replicas."""
        return self.max_replicas


class Autoscaled(Range):
    """A range within which a HorizontalPodAutoscaler scales."""

    min_replicas: Positive = Field(description="minimum number of replicas, at least 1; only triggers scale to 0")
    metrics: Metrics


class Fallback(Model):
    """The number of replicas while a trigger's source does not answer. A lost signal must not look like low load.

    An empty answer from Prometheus also counts as a failure. If no series means 0, the query must return 0
    (docs/scaling.md).
    Source: https://keda.sh/docs/latest/reference/scaledobject-spec/#fallback
    """

    failure_threshold: Count = Field(
        default=3,
        description="consecutive failed reads before the fallback applies; the HPA reads every 15 s "
        "and keeps the replica count until then",
    )
    replicas: Positive = Field(description="number of replicas, within the range")
    behavior: Literal["static", "currentReplicasIfHigher"] = Field(
        default="currentReplicasIfHigher",
        description="set exactly this number, or at least this number, so that pods under load "
        "stay while metrics are missing",
    )


class Triggered(Range):
    """A range within which KEDA scales, optionally from 0. KEDA creates the HPA itself."""

    triggers: dict[Name, Trigger] = Field(min_length=1, description="KEDA triggers, by name")
    polling: Seconds = Field(default=30, ge=1, description="interval between two evaluations of the triggers")
    cooldown: Seconds = Field(default=300, description="time without an active trigger before KEDA scales to 0")
    fallback: Fallback | None = Field(default=None, description="none = the replica count stays unchanged")

    @model_validator(mode="before")
    @classmethod
    def _without_metrics(cls, data: object) -> object:
        if isinstance(data, dict) and "metrics" in data:
            raise ValueError(
                "triggers and metrics exclude each other, because KEDA creates the HPA; declare cpu as a trigger"
            )
        return data  # pyright: ignore[reportUnknownVariableType]

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        crons = {name: trigger.cron for name, trigger in self.triggers.items() if trigger.cron}
        for name, cron in crons.items():
            if cron.replicas > self.max_replicas:
                raise ValueError(
                    f"triggers.{name}.cron.replicas {cron.replicas} exceeds maxReplicas {self.max_replicas}; raise it"
                )
        if self.min_replicas == 0 and all(trigger.cpu for trigger in self.triggers.values()):
            raise ValueError(
                "minReplicas 0 requires a trigger other than cpu, because 0 pods use no CPU; set minReplicas to 1"
            )
        return self

    @model_validator(mode="after")
    def _falls_back_within_the_range(self) -> Self:
        if self.fallback is None:
            return self
        if not any(trigger.redis or trigger.prometheus for trigger in self.triggers.values()):
            raise ValueError(
                "fallback requires a redis or prometheus trigger, because KEDA has no fallback for cpu, and cron reads "
                "no source; add such a trigger, or remove fallback"
            )
        if not max(self.min_replicas, 1) <= self.fallback.replicas <= self.max_replicas:
            raise ValueError(
                f"fallback.replicas {self.fallback.replicas} is not between minReplicas {self.min_replicas} and "
                f"maxReplicas {self.max_replicas}, so the HPA would change it; choose a number in this range"
            )
        return self


class Fixed(Model):
    """A fixed number of replicas, with no HPA."""

    replicas: Positive = Field(description="number of replicas")

    @model_validator(mode="before")
    @classmethod
    def _without_a_range(cls, data: object) -> object:
        if isinstance(data, dict) and (
            beside := [key for key in ("minReplicas", "maxReplicas", "metrics", "triggers") if key in data]
        ):
            raise ValueError(
                f"replicas is a fixed number, but {', '.join(beside)} would let an HPA change it; remove one or the "
                "other"
            )
        return data  # pyright: ignore[reportUnknownVariableType]

    @property
    def floor(self) -> int:
        """The minimum number of replicas."""
        return self.replicas

    @property
    def ceiling(self) -> int:
        """The maximum number of replicas."""
        return self.replicas


def _kind(value: Any) -> str:  # noqa: ANN401 -- raw YAML or a model
    keys = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if isinstance(value, Fixed) or "replicas" in keys:
        return "fixed"
    return "triggered" if isinstance(value, Triggered) or "triggers" in keys else "autoscaled"


Scaling = Annotated[
    Annotated[Fixed, Tag("fixed")] | Annotated[Autoscaled, Tag("autoscaled")] | Annotated[Triggered, Tag("triggered")],
    Discriminator(_kind),
]


def within(scaling: Fixed | Autoscaled | Triggered, least: int | None, most: int | None) -> Scaling:
    """Narrow a slot's scaling while a release is in progress, without changing its kind.

    If a Deployment gained or lost its HPA, its ``replicas`` would be reset to 1 in between.
    """
    wanted = max(scaling.floor, least or 0)
    floor = min(wanted, most or wanted)
    ceiling = max(floor, min(scaling.ceiling, most or scaling.ceiling))
    if isinstance(scaling, Fixed):
        return scaling.model_copy(update={"replicas": max(floor, 1)})
    return scaling.model_copy(update={"min_replicas": floor, "max_replicas": ceiling})


def targets(scaling: Fixed | Autoscaled | Triggered) -> Iterator[tuple[str, str, int]]:
    """Yield path, resource and percentage of each target that is a share of a resource's request."""
    if isinstance(scaling, Autoscaled):
        given = {"cpu": scaling.metrics.cpu, "memory": scaling.metrics.memory}
        yield from ((f"metrics.{name}", name, target.utilization) for name, target in given.items() if target)
    if isinstance(scaling, Triggered):
        given = {name: trigger.cpu for name, trigger in scaling.triggers.items()}
        yield from ((f"triggers.{name}.cpu", "cpu", target.utilization) for name, target in given.items() if target)


class Disruption(Model):
    """How many replicas a voluntary disruption (a node drain) may remove at once."""

    max_unavailable: PositiveShare | None = Field(default=None, description="a number of pods, or a percentage")
    min_available: Share | None = Field(default=None, description="a number of pods, or a percentage, rounded up")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.max_unavailable is None) == (self.min_available is None):
            raise ValueError("the API server accepts exactly one of maxUnavailable and minAvailable; set one of them")
        return self

    def within(self, floor: int) -> Self:
        """Leave one pod evictable in a slot that a release has narrowed to ``floor`` pods.

        The API server answers 429 to an eviction that the budget forbids, and a node drain would wait until the release
        has ended.
        """
        if self.min_available is None:
            return self
        most = max(floor - 1, 0)
        return self if self.kept(floor) <= most else self.model_copy(update={"min_available": most})

    def kept(self, floor: int) -> int:
        """Return how many of ``floor`` pods must stay because of ``minAvailable``."""
        return pods_of(self.min_available or 0, floor)


def unreachable(scaling: Scaling, resources: Resources) -> Iterator[str]:
    """Yield each utilization target that the limits make unreachable: the autoscaler would never add a pod."""
    for path, resource, target in targets(scaling):
        asked, limit = getattr(resources.requests, resource), getattr(resources.limits, resource)
        most = 100 * parse(limit) / parse(asked)
        if target > most:
            yield (
                f"scaling.{path}.utilization: {target} is never reached, because limits.{resource} {limit} is only "
                f"{most:.0f} % of requests.{resource} {asked}; lower it, or raise the limit"
            )
