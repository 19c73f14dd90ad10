"""``slipway:delivery``: the record of releases in the stack file.

``slipway`` writes the record *before* each action. The stack exports it, and the stack of the next environment reads
it. Git's diff of the stack file therefore documents the release, and the driver that resumes a killed driver's release
reads from the record where to continue.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AwareDatetime, Field, model_validator

from models.base import Model
from models.release import ServiceRelease, SlotRelease
from models.vocabulary import Count, DigestReference, Fingerprint, Name, SlotName, Text

Result = Literal["pass", "fail", "inconclusive"]
Finding = Literal["pass", "fail", "inconclusive", "unjudged"]
"""The result of a verdict. Unjudged: the gate has no criterion, so nothing was measured."""
PastVerdicts = 20
"""Verdicts and past releases that a stack file keeps per service: enough for rollbacks, few enough to read."""

Requests = Annotated[int, Field(strict=True, ge=0)]
"""A number of requests. A busy hour can exceed 32 bits."""
Reason = Annotated[Text, Field(description="the reason, in one line")]
Person = Annotated[Text, Field(description="user or CI job")]
Moment = Annotated[AwareDatetime, Field(description="when it was recorded")]


def fingerprint(content: SlotRelease) -> str:
    """Return the fingerprint (16 hex digits) of what a slot runs besides its image: model, settings and files."""
    return hashed(content.travelling.document())


def hashed(content: Mapping[str, object]) -> str:
    """Return the fingerprint of plain data, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


class Version(NamedTuple):
    """What a verdict or a hold is about: an image digest with a configuration and a revision."""

    image: str
    config: str
    """Fingerprint of model, settings and files."""
    revision: str | None = None
    """None = unknown, which matches any revision."""


class Note(NamedTuple):
    """Why something was recorded, by whom and when."""

    reason: str
    by: str
    at: datetime


class Arm(Model):
    """Requests that one slot answered in the window, and how many of them were bad."""

    bad: Requests = Field(description="failed or slow answers")
    total: Requests = Field(description="all answers")

    @model_validator(mode="after")
    def _part_of_all(self) -> Self:
        if self.bad > self.total:
            raise ValueError(f"bad {self.bad} exceeds total {self.total}; correct one of them")
        return self

    def plus(self, other: "Arm") -> "Arm":
        """Return the sum of both arms."""
        return Arm(bad=self.bad + other.bad, total=self.total + other.total)


class CheckResult(Model):
    """The result of one check, with its numbers."""

    result: Result = Field(description="result of the check")
    said: Text = Field(description="one line for a person", examples=["errors 1.2 % against 1.1 %, limit +1"])
    candidate: Arm | None = Field(default=None, description="counts of the new slot")
    live: Arm | None = Field(default=None, description="counts of the live slot")
    value: float | None = Field(default=None, description="value of a query")


class Override(Model):
    """Who overrode a refusal, and why."""

    reason: Reason
    by: Person
    at: Moment


class Revocation(Model):
    """Why a verdict no longer counts."""

    reason: Reason
    at: Moment


class Verdict(Model):
    """Evidence: the result of judging exactly this version in this environment."""

    image: DigestReference = Field(description="image that was judged")
    config: Fingerprint = Field(description="hash of model, settings and files of the slot")
    content: SlotRelease = Field(description="what was released; the next environment takes over all of it")
    revision: Fingerprint | None = Field(
        default=None, description="revision that was judged; none = written before revisions existed"
    )
    inherited: Fingerprint | None = Field(
        default=None, description="written only without a revision: hash of what the slot took from the catalogue entry"
    )
    environment: Name = Field(description="environment that judged it")
    stack: Text = Field(description="stack that judged it")
    result: Finding = Field(description="unjudged = the gate has no criterion")
    checks: dict[str, CheckResult] = Field(default_factory=dict, description="result of each criterion, by name")
    began: AwareDatetime = Field(description="when judging began")
    ended: AwareDatetime = Field(description="when the verdict was given")
    override: Override | None = Field(default=None, description="who released the version without evidence, and why")
    revoked: Revocation | None = Field(default=None, description="none = the verdict has not been revoked")

    @property
    def counts(self) -> bool:
        """Whether the version passed and the verdict has not been revoked."""
        return self.result == "pass" and self.revoked is None

    @property
    def version(self) -> Version:
        """The version that the verdict is about."""
        return Version(self.image, self.config, self.revision)

    def covers(self, version: Version) -> bool:
        """Return whether the verdict is about this version. A revision that one side does not know matches any."""
        return self.version[:2] == version[:2] and _agree(self.revision, version.revision)


class Held(Model):
    """A version that no release may take until a person removes the hold."""

    image: DigestReference = Field(description="image that is held")
    config: Fingerprint | None = Field(default=None, description="none = any configuration")
    revision: Fingerprint | None = Field(default=None, description="none = any revision")
    reason: Reason
    by: Person
    at: Moment


def _agree(one: str | None, other: str | None) -> bool:
    return None in (one, other) or one == other


class Approval(Model):
    """A person's approval of a stage."""

    stage: Count = Field(description="index into the plan")
    reason: Reason
    by: Person
    at: Moment


class Window(Model):
    """The time in which a stage is judged. Each evaluation reads the counts of the whole window again."""

    stage: Count = Field(description="index into the plan")
    began: AwareDatetime = Field(
        description="when the traffic split took effect; a resumed driver continues the window"
    )
    passed: AwareDatetime | None = Field(default=None, description="when the gate passed; none = still open")
    webhook: CheckResult | None = Field(
        default=None, description="the webhook's pass; the webhook is not called again at this stage"
    )


class Run(Model):
    """The release in progress. ``stage`` is written before its action, which may not have been carried out yet."""

    id: Text = Field(description="unique name of the release")
    kind: Literal["forward", "back"] = Field(default="forward", description="back = returning to the previous version")
    candidate: SlotName = Field(description="slot that is being released or, when going back, left")
    stable: ServiceRelease = Field(description="what ran before the release, pinned; a rollback returns to it")
    follows: bool = Field(
        default=False,
        strict=True,
        description="the live slot followed the working tree before the release",
    )
    target: SlotRelease = Field(description="what the candidate slot shall run")
    image: DigestReference | None = Field(default=None, description="image of the target; none = this stack builds it")
    first: bool = Field(default=False, strict=True, description="nothing ran in this environment before the release")
    pods: Count = Field(description="ready pods of the live slot at the start")
    stage: Count = Field(default=0, description="index into the plan")
    reached: bool = Field(default=False, strict=True, description="the stage was carried out and observed")
    began: AwareDatetime = Field(description="when the release began")
    stage_began: AwareDatetime = Field(description="when the current stage began")
    approvals: tuple[Approval, ...] = Field(default=(), description="approvals of stages")
    checks: dict[str, CheckResult] = Field(default_factory=dict, description="results of the last gate")
    baseline: dict[str, Arm] = Field(
        default_factory=dict,
        description="per check, the requests that the live slot answered in the passed steps or before the release; "
        "used at weight 100, where the live slot answers none",
    )
    windows: tuple[Window, ...] = Field(default=(), description="the time window of each judged stage")
    left: ServiceRelease | None = Field(
        default=None, description="while going back: what was declared when the release turned back"
    )
    express: bool = Field(
        default=False,
        strict=True,
        description="return to a version that was promoted before, in one step and without a gate",
    )
    outcome: Literal["rolled back", "aborted", "inconclusive", "superseded"] | None = Field(
        default=None, description="while going back: the outcome"
    )
    reason: str = Field(default="", description="while going back: the reason, in one line")
    manual: bool = Field(default=False, strict=True, description="each step waits for `slipway step`")
    override: Override | None = Field(default=None, description="who released the version without evidence, and why")
    warm_until: AwareDatetime | None = Field(
        default=None, description="end of the time for which the old slot is kept after a promotion"
    )
    promoted: AwareDatetime | None = Field(default=None, description="when the new slot became live")

    @property
    def approved(self) -> frozenset[int]:
        """The stages that somebody approved."""
        return frozenset(approval.stage for approval in self.approvals)

    def window(self, stage: int) -> Window | None:
        """Return the window of a stage, or None before its traffic split took effect."""
        return next((window for window in self.windows if window.stage == stage), None)


class Past(Model):
    """A release that has ended."""

    id: Text = Field(description="unique name of the release")
    image: DigestReference | None = Field(description="image of the release; null = the stack built it")
    config: Fingerprint = Field(description="hash of model, settings and files of the slot")
    content: SlotRelease = Field(description="what was released")
    outcome: Literal["promoted", "rolled back", "aborted", "inconclusive", "superseded"] = Field(
        description="how the release ended"
    )
    reason: str = Field(default="", description="why it ended in this way, in one line")
    first: bool = Field(default=False, strict=True, description="nothing ran in this environment before the release")
    began: AwareDatetime = Field(description="when the release began")
    ended: AwareDatetime = Field(description="when the release ended")
    promoted: AwareDatetime | None = Field(
        default=None, description="time at which the release became live; none = when it ended"
    )
    override: Override | None = Field(default=None, description="who released the version without evidence, and why")


class ServiceDelivery(Model):
    """The record of one service's releases in one stack."""

    run: Run | None = Field(default=None, description="the release in progress; none = there is none")
    verdicts: tuple[Verdict, ...] = Field(default=(), description="newest last")
    holds: tuple[Held, ...] = Field(default=(), description="versions that no release may take")
    history: tuple[Past, ...] = Field(default=(), description="past releases, newest last")

    def holding(self, version: Version) -> Held | None:
        """Return the hold on this version, if there is one."""
        of_it = (held for held in self.holds if held.image == version.image and held.config in (None, version.config))
        return next((held for held in of_it if _agree(held.revision, version.revision)), None)

    def verdict_on(self, version: Version) -> Verdict | None:
        """Return the newest verdict about this version."""
        return next((v for v in reversed(self.verdicts) if v.covers(version)), None)


def age(since: datetime, now: datetime) -> float:
    """Return the seconds between two points in time."""
    return (now - since).total_seconds()
