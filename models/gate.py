"""The criteria that a release must meet before it continues: errors, latency, your own checks, and a webhook.

Errors and slow answers are both proportions of requests, so one statistical test judges both. It compares the new slot
with the live slot in the same window (``delivery/judge/verdicts.py``).
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from models.base import Model
from models.errors import nearest
from models.external import Url
from models.profile import DURATION, MetricsProfile
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
        ge=1, description="an answer that takes longer is slow; must be a bound of the histogram"
    )
    margin: Margin = Field(
        default=Decimal(5), description="tolerated difference from the live slot, in percentage points"
    )


PLACEHOLDERS = ("namespace", "service", "slot", "window")
"""The words that a check's query may have in braces."""
_BRACED = re.compile(r"(?<!\\[pP])\{\s*([A-Za-z_]\w*)\s*\}")
"""A word in braces. No selector of PromQL has this form; patterns have it in classes such as ``\\p{Greek}``."""


def _filled(query: str) -> str:
    for found in _BRACED.finditer(query):
        if found[0] not in [f"{{{name}}}" for name in PLACEHOLDERS]:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"{found[0]} is not a placeholder ({known}){nearest(found[1], PLACEHOLDERS)}")
    return query


class Check(Model):
    """Your own query, which returns one number for the new slot, such as its accuracy."""

    query: Annotated[Text, AfterValidator(_filled)] = Field(
        description="PromQL; {namespace}, {service}, {slot} and {window} (time since the step "
        "began, such as 42s) are replaced"
    )
    min: float | None = Field(default=None, description="the lowest value that passes; none = no lower bound")
    max: float | None = Field(default=None, description="the highest value that passes; none = no upper bound")

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

    url: Url = Field(description="address that gets the POST request")
    timeout: Seconds = Field(default=10, ge=1, le=300, description="time limit of one call")


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
    latency: LatencyGate | None = Field(
        default=None, description="by the histogram duration of the metrics profile, or of the proxy; none = not judged"
    )
    histograms: dict[Name, LatencyGate] = Field(
        default_factory=dict,
        description="further histograms of the metrics profile, by name, such as first-token",
    )
    checks: dict[Annotated[Name, AfterValidator(_check_name)], Check] = Field(
        default_factory=dict, description="your own queries, by name"
    )
    webhook: Webhook | None = Field(default=None, description="a service of yours that judges too; none = no webhook")
    traffic: Positive | None = Field(
        default=None, description="usual requests per second, for the plan; none = the observed rate"
    )
    deadline: Seconds = Field(
        default=600, ge=1, description="time limit of one step; without a verdict by then, the release is rolled back"
    )

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        for name in self.histograms:
            if name in self.checks:
                raise ValueError(f"histograms.{name} and checks.{name} would be one criterion; rename the check")
            if name in (*_OWN, DURATION):
                remedy = "set gate.latency instead" if name == DURATION else "rename the profile's histogram"
                raise ValueError(f"histograms.{name}: the gate already has a criterion of this kind; {remedy}")
        return self

    @property
    def timed(self) -> dict[str, tuple[str, LatencyGate]]:
        """By criterion, the name of its histogram and its limits."""
        found = {name: (name, limits) for name, limits in self.histograms.items()}
        return {"latency": (DURATION, self.latency), **found} if self.latency else found

    @property
    def margins(self) -> dict[str, float]:
        """The margin of each criterion that judges requests, in percentage points."""
        timed = {name: float(limits.margin) for name, (_, limits) in self.timed.items()}
        return {"errors": float(self.errors.margin), **timed} if self.errors else timed

    @property
    def criteria(self) -> tuple[str, ...]:
        """The names of everything that a stage with requests must pass; empty = the gate judges nothing."""
        return (*self.margins, *self.checks, *(["webhook"] if self.webhook else []))

    def faults(self, profile: MetricsProfile) -> Iterator[str]:
        """Yield, as ``path: rule``, each criterion that a profile's histogram can never answer."""
        for name, (histogram, limits) in self.timed.items():
            at = name if name == "latency" else f"histograms.{name}"
            found = profile.histograms.get(histogram)
            if found is not None and (fault := found.fault(limits.within)):
                yield f"{at}.within: {fault}"
            if found is None and histogram != DURATION:
                known, hint = ", ".join(profile.histograms) or "none", nearest(histogram, profile.histograms)
                yield f"{at}: the metrics profile has no such histogram ({known}){hint}"
