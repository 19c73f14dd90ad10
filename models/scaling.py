"""How many replicas a slot runs: a fixed number, or a range that an HPA moves in. Never both."""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from models.base import Model
from models.vocabulary import Count, Positive, Utilization


class CpuTarget(Model):
    """Average CPU use that the HPA steers to."""

    utilization: Utilization = Field(description="percent of the CPU request", examples=[70])


class Metrics(Model):
    """The signals that an autoscaled slot follows."""

    cpu: CpuTarget


class Autoscaled(Model):
    """A range of replicas; the Deployment then carries no ``replicas``, which would fight the HPA on every update."""

    min_replicas: Positive
    max_replicas: Positive
    metrics: Metrics

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"minReplicas {self.min_replicas} exceeds maxReplicas {self.max_replicas}; "
                "the HPA would be refused: lower the one or raise the other"
            )
        return self

    @property
    def floor(self) -> int:
        """The fewest replicas that run."""
        return self.min_replicas

    @property
    def ceiling(self) -> int:
        """The most replicas that run."""
        return self.max_replicas


class Fixed(Model):
    """A fixed number of replicas, with no HPA."""

    replicas: Positive

    @model_validator(mode="before")
    @classmethod
    def _without_a_range(cls, data: object) -> object:
        if isinstance(data, dict) and (
            beside := [key for key in ("minReplicas", "maxReplicas", "metrics") if key in data]
        ):
            raise ValueError(
                f"replicas is a fixed number, and {', '.join(beside)} would let an HPA change it; drop one or the other"
            )
        return data  # pyright: ignore[reportUnknownVariableType]

    @property
    def floor(self) -> int:
        """The fewest replicas that run."""
        return self.replicas

    @property
    def ceiling(self) -> int:
        """The most replicas that run."""
        return self.replicas


def _kind(value: Any) -> str:  # noqa: ANN401 -- raw YAML or a model
    fixed = "replicas" in value if isinstance(value, dict) else isinstance(value, Fixed)
    return "fixed" if fixed else "autoscaled"


Scaling = Annotated[
    Annotated[Fixed, Tag("fixed")] | Annotated[Autoscaled, Tag("autoscaled")],
    Discriminator(_kind),
]


class Disruption(Model):
    """How many replicas a voluntary disruption (a node drain) may take at once."""

    max_unavailable: Positive | None = None
    min_available: Count | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.max_unavailable is None) == (self.min_available is None):
            raise ValueError("set exactly one of maxUnavailable and minAvailable; the API server takes only one")
        return self
