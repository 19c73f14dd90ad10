"""Release strategies of a service: in place, all at once, step by step, or side by side."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from models.base import Model
from models.gate import Gate
from models.release import Match
from models.vocabulary import Seconds

StepWeight = Annotated[int, Field(strict=True, ge=1, le=100)]


class Step(Model):
    """One step of a canary."""

    weight: StepWeight = Field(description="percent of requests that the new slot answers")
    hold: Seconds = Field(default=0, description="minimum time at this step, even if the gate passes earlier")
    approval: bool = Field(default=False, strict=True, description="wait for `slipway approve` after the gate")


def _step(value: object) -> object:
    return {"weight": value} if isinstance(value, int) and not isinstance(value, bool) else value


class _Strategy(Model):
    """The settings that all strategies share."""

    gate: Gate = Gate()
    approval: bool = Field(default=False, strict=True, description="wait for `slipway approve` before the promotion")
    unattended: Seconds = Field(
        default=900, ge=60, description="time without a driver after which `slipway tend` takes over the release"
    )
    when_unattended: Literal["resume", "return"] = Field(
        default="resume",
        description="what `slipway tend` then does: resume the release, or return to what ran before it",
    )
    soak: Seconds = Field(default=0, description="minimum age of a verdict before the next environment may rely on it")
    fresh: Seconds = Field(default=7 * 86_400, ge=1, description="a verdict older than this no longer counts")


class Rolling(_Strategy):
    """Update the live slot in place. A rollback is another update."""

    strategy: Literal["rolling"] = Field(default="rolling", description="in place")


class _Slotted(_Strategy):
    """Fill the other slot, and move traffic to it."""

    capacity: Literal["surge", "constant"] = Field(
        default="surge",
        description="surge: the pods of the new slot are added to those of the live slot (up to twice the pods); "
        "constant: the live slot gives up one pod for each new pod, for scarce devices",
    )
    warm: Seconds = Field(
        default=600, description="time for which the old slot is kept after the promotion, for a fast rollback"
    )


class BlueGreen(_Slotted):
    """Fill the other slot, verify it without traffic, and switch all requests at once."""

    strategy: Literal["blueGreen"] = Field(description="all requests at once")
    match: Match = Field(default=Match(), description="requests of testers that reach the new slot before the switch")


class Canary(_Slotted):
    """Fill the other slot, and move traffic to it step by step."""

    strategy: Literal["canary"] = Field(description="step by step")
    steps: tuple[Annotated[Step, BeforeValidator(_step, json_schema_input_type=StepWeight | Step)], ...] = Field(
        default=(Step(weight=10), Step(weight=50), Step(weight=100)),
        min_length=1,
        description="weights of the new slot in rising order, the last one 100; each alone or with hold and approval",
        examples=[[10, 50, 100]],
    )
    match: Match = Field(default=Match(), description="requests that reach the new slot whatever the weight")

    @model_validator(mode="after")
    def _rises_to_100(self) -> Self:
        weights = [step.weight for step in self.steps]
        if any(later <= earlier for earlier, later in pairwise(weights)) or weights[-1] != 100:  # noqa: PLR2004 -- percent
            raise ValueError(f"steps {weights} must rise and end at 100; correct the weights")
        return self


class SideBySide(_Slotted):
    """A/B test: both slots answer requests, split by weight, header or cookie, until a person decides."""

    strategy: Literal["ab"] = Field(description="both slots until a person decides")
    weight: Annotated[int, Field(strict=True, ge=0, le=100)] = Field(
        default=50, description="percent of requests that the new slot answers"
    )
    match: Match = Match()

    @model_validator(mode="after")
    def _gets_requests(self) -> Self:
        if not self.weight and self.match == Match():
            raise ValueError("weight is 0 and match is empty, so the new slot would get no requests; set one of them")
        return self


def _kind(value: Any) -> str:  # noqa: ANN401 -- raw YAML or a model
    if isinstance(value, dict):
        return str(cast("dict[str, Any]", value).get("strategy", "rolling"))
    return str(getattr(value, "strategy", "rolling"))


Strategy = Annotated[
    Annotated[Rolling, Tag("rolling")]
    | Annotated[BlueGreen, Tag("blueGreen")]
    | Annotated[Canary, Tag("canary")]
    | Annotated[SideBySide, Tag("ab")],
    Discriminator(_kind),
]
