"""One service of a system: everything about it that both of its slots share."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from models.base import Model
from models.errors import Faults
from models.lifecycle import Drain, Health, Rollout
from models.monitoring import Monitoring
from models.resources import Resources
from models.routing import Route
from models.scaling import Disruption, Scaling
from models.scheduling import Scheduling
from models.server import ModelSource, ServerSettings
from models.vocabulary import Name, Port


class ServiceSpec(Model):
    """A model service."""

    image: Name = Field(description="key under images")
    port: Port = Field(description="the server's HTTP port", examples=[5000])
    model: ModelSource
    resources: Resources
    scaling: Scaling
    server: ServerSettings = ServerSettings()
    health: Health = Health()
    rollout: Rollout = Rollout()
    drain: Drain = Drain()
    disruption: Disruption = Disruption(max_unavailable=1)
    scheduling: Scheduling = Scheduling()
    route: Route | None = Field(default=None, description="none = reachable inside the namespace only")
    monitoring: Monitoring | None = Monitoring()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        faults = [*self._budget_faults(), *self._disruption_faults()]
        if faults:
            raise Faults(faults)
        return self

    def _budget_faults(self) -> Iterator[str]:
        startup, deadline, timeout = self.health.startup, self.rollout.progress_deadline, self.rollout.timeout
        if startup > deadline:
            yield f"health.startup: {startup}s exceeds rollout.progressDeadline {deadline}s: slow starts would fail"
        if deadline > timeout:
            yield f"rollout.progressDeadline: {deadline}s exceeds rollout.timeout {timeout}s: Pulumi gives up first"
        if self.health.startup < self.health.period:
            yield f"health.startup: {startup}s is shorter than one health.period {self.health.period}s"

    def _disruption_faults(self) -> Iterator[str]:
        keep, floor = self.disruption.min_available, self.scaling.floor
        if keep is not None and keep >= floor:
            yield (
                f"disruption.minAvailable: {keep} leaves no pod evictable at {floor} replicas: "
                "a node drain would hang; lower it or raise the replicas"
            )


class ServiceOverlay(Model):
    """What an environment may change of a service; each block that is named replaces the entry's block whole."""

    resources: Resources | None = None
    scaling: Scaling | None = None
    server: ServerSettings | None = None
    health: Health | None = None
    rollout: Rollout | None = None
    drain: Drain | None = None
    disruption: Disruption | None = None
    scheduling: Scheduling | None = None
    route: Route | None = None
    monitoring: Monitoring | None = None
