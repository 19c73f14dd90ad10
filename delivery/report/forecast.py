"""Forecasts a release: the weights, pods, peak resources and time to a verdict of each stage."""

from dataclasses import dataclass
from typing import Any

from delivery.judge.samples import seconds_needed
from delivery.judge.verdicts import wanted
from delivery.plan.peak import StageCost, costs, peak
from delivery.plan.stages import ALL, Stage, course
from models.delivery import Run
from models.gate import Gate
from models.service import ServiceSpec


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """One stage of the plan."""

    stage: Stage
    cost: StageCost
    judges: tuple[str, ...]
    """The criteria that the stage must pass. A stage with a gate and no criterion is not judged."""
    requests: int
    """Minimum requests of each slot for a verdict at this stage; 0 if nothing is judged."""
    seconds: int | None
    """Minimum time at this stage with the declared traffic; None = no traffic is declared."""
    deadline: int

    @property
    def starved(self) -> bool:
        """Whether the declared traffic is too low for a verdict before the deadline."""
        return self.seconds is not None and self.seconds > max(self.deadline, self.stage.hold)

    def document(self) -> dict[str, Any]:
        """Return the stage as JSON data."""
        return {
            "stage": self.stage.title,
            "weight": self.stage.release.weight,
            "live": self.stage.release.live,
            **_resources(self.cost),
            "judged": bool(self.judges),
            "criteria": list(self.judges),
            "requestsWanted": self.requests,
            "expectedSeconds": self.seconds,
            "deadlineSeconds": self.deadline if self.stage.gate else None,
            "starved": self.starved,
            "holdSeconds": self.stage.hold,
            "approval": self.stage.approval,
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The forecast of a whole release."""

    stages: tuple[Foreseen, ...]

    @property
    def costs(self) -> list[StageCost]:
        """The cost of each stage."""
        return [one.cost for one in self.stages]

    @property
    def seconds(self) -> int | None:
        """Minimum total seconds of judging and holding; None if the time of one stage is unknown."""
        known = [one.seconds for one in self.stages if one.seconds is not None]
        return sum(known) if len(known) == len(self.stages) else None

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        most = peak(self.costs)
        return {
            "podsNow": most.now,
            "stages": [one.document() for one in self.stages],
            "peak": {"stage": most.title, "podsAboveNow": most.above, **_resources(most)},
            "expectedSeconds": self.seconds,
        }


def foresee(spec: ServiceSpec, run: Run) -> Plan:
    """Return the plan of a run."""
    pairs = zip(course(spec, run), costs(spec, run), strict=True)
    return Plan(stages=tuple(_foreseen(spec.release.gate, stage, cost) for stage, cost in pairs))


def _foreseen(gate: Gate, stage: Stage, cost: StageCost) -> Foreseen:
    weight = stage.release.weight
    judged = stage.gate and (weight > 0 or stage.name == "roll")
    requests = max((wanted(None, margin) for margin in gate.margins.values()), default=0) if judged else 0
    others = tuple(name for name in gate.criteria if name not in gate.margins)
    judges = (gate.criteria if judged else others) if stage.gate else ()
    seconds: int | None = stage.hold
    if requests:
        needed = seconds_needed(requests, gate.traffic, weight or ALL) if gate.traffic else None
        seconds = None if needed is None else max(needed, stage.hold)
    return Foreseen(stage=stage, cost=cost, judges=judges, requests=requests, seconds=seconds, deadline=gate.deadline)


def _resources(cost: StageCost) -> dict[str, Any]:
    requests = {name: str(amount) for name, amount in cost.requests.items()}
    return {"pods": dict(cost.pods), "mostPods": cost.total, "requests": requests}
