"""The criteria that a release must meet before it continues: errors, latency, your own checks, and a webhook.

Errors and slow answers are both proportions of requests, so one statistical test judges both. It compares the new slot
with the live slot in the same window (``delivery/judge/verdicts.py``).
"""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from models.base import Model
from models.external import Url
from models.monitoring import bound_fault
from models.vocabulary import Milliseconds, Name, Positive, Seconds, Text

Margin = Annotated[Decimal, Field(gt=0, le=100, max_digits=6, decimal_places=3)]
"""Percentage points."""


class ErrorGate(Model):
    """The new slot's share of 5xx answers must not exceed the live slot's by ``margin`` or more in the same window."""

    margin: Margin = Field(
        default=Decimal(1), description="tolerated difference from the live slot, in percentage points"
    )


class LatencyGate(Model):
    """The new slot's share of slow answers must not exceed the live slot's by ``margin`` or more in the same window."""

    within: Milliseconds = Field(
        ge=1, description="an answer that takes longer is slow; must be a bound of the server's histogram"
    )
    margin: Margin = Field(
        default=Decimal(5), description="tolerated difference from the live slot, in percentage points"
    )

    @field_validator("within")
    @classmethod
    def _counted(cls, within: int) -> int:
        if fault := bound_fault(within):
            raise ValueError(fault)
        return within


class Check(Model):
    """Your own query, which returns one number for the new slot, such as its accuracy."""

    query: Text = Field(
        description="PromQL; {namespace}, {service}, {slot} and {window} (time since the step "
        "began, such as 42s) are replaced"
    )
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("a check without a bound cannot fail; set min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} exceeds max {self.max:g}, so no value could pass; lower min")
        return self


class Webhook(Model):
    """The verdict of another service, which gets the release as JSON by POST.

    200 passes, 4xx fails, and any other result counts as no answer.
    """

    url: Url
    timeout: Seconds = Field(default=10, ge=1, le=300)


_OWN = ("errors", "latency", "webhook")
"""Names under which the gate records its own criteria."""


def _check_name(name: str) -> str:
    if name in _OWN:
        raise ValueError("the gate already uses this name for its own criterion; choose another name")
    return name


class Gate(Model):
    """Everything that a step must pass."""

    errors: ErrorGate | None = Field(
        default=ErrorGate(),
        description="null = not judged, for services without requests; a gate without a criterion yields no evidence",
    )
    latency: LatencyGate | None = Field(default=None, description="none = not judged")
    checks: dict[Annotated[Name, AfterValidator(_check_name)], Check] = Field(default_factory=dict)
    webhook: Webhook | None = None
    traffic: Positive | None = Field(
        default=None, description="usual requests per second, for the plan; none = the observed rate"
    )
    deadline: Seconds = Field(
        default=600, ge=1, description="time limit of one step; the release goes back if it has no verdict by then"
    )
