"""The position of a release, computed from its record, and what happens next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from delivery import formatting
from delivery.lock.holder import Holder
from delivery.plan.stages import Stage, course
from delivery.release.service import Service
from models.delivery import Run, ServiceDelivery


@dataclass(frozen=True, kw_only=True)
class Position:
    """The position of a release in its stages."""

    phase: str
    """One of idle, running, interrupted, waiting, going back, warm."""
    stages: tuple[Stage, ...] = ()
    index: int = 0
    next: str
    """What happens next, with the command that makes it happen."""

    @property
    def stage(self) -> Stage | None:
        """The stage that the record names; it may not be reached yet."""
        return self.stages[self.index] if self.index < len(self.stages) else None


def position(service: Service, delivery: ServiceDelivery, *, driver: Holder | None, now: datetime) -> Position:
    """Return the position of a release; ``driver`` is the driver that works on the stack, if any."""
    run, target = delivery.run, str(service)
    if run is None:
        return Position(phase="idle", next=f"nothing; `slipway release {target} --image …` starts a release")
    stages = course(service.spec, run)
    index = min(run.stage, len(stages) - 1)
    phase, following = next(_phases(_Place(run, stages, index, target), driver, now))
    return Position(phase=phase, stages=stages, index=index, next=following)


@dataclass(frozen=True)
class _Place:
    """A stage of a run, with the phrases that messages use for it."""

    run: Run
    stages: tuple[Stage, ...]
    index: int
    target: str

    @property
    def stage(self) -> Stage:
        return self.stages[self.index]

    @property
    def after(self) -> str:
        return self.stages[self.index + 1].title if self.index + 1 < len(self.stages) else "the end"

    @property
    def abort(self) -> str:
        return f"`slipway abort {self.target}` goes back to {self.run.stable.live}"

    @property
    def judged(self) -> bool:
        """Whether the stage was reached and has passed its gate, if it has one."""
        if (window := self.run.window(self.run.stage)) is not None:
            return self.run.reached and window.passed is not None
        checks = self.run.checks.values()  # an older program recorded checks without windows
        return self.run.reached and (not self.stage.gate or (bool(checks) and all(c.result == "pass" for c in checks)))


def _phases(at: _Place, driver: Holder | None, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield each phase that applies, with the next action; the first one counts."""
    run, target = at.run, at.target
    if driver is not None:
        doing = f"the driver ({driver}) is at {at.stage.title} and continues to {at.after}"
        yield "going back" if run.kind == "back" else "running", doing
    if run.kind == "back":
        left = ", ".join(stage.name for stage in at.stages[at.index :])
        yield "going back", f"`slipway resume {target}` finishes the way back to {run.stable.live}: {left}"
    if run.warm_until is not None:
        seconds = (run.warm_until - now).total_seconds()
        due = f"in {formatting.duration(seconds)}" if seconds > 0 else "now"
        back = f"`slipway rollback {target}` goes back to {run.stable.live} at once"
        yield "warm", f"{back}; `slipway resume {target}` empties {run.stable.live}, due {due}"
    if at.stage.waits and run.reached:
        yield "waiting", f"a person decides: `slipway step {target}` continues to {at.after}; {at.abort}"
    if at.stage.approval and at.judged and at.index not in run.approved:
        yield "waiting", f"`slipway approve {target} --reason …` continues to {at.after}; {at.abort}"
    if run.manual and at.judged:
        yield "waiting", f"`slipway step {target}` continues to {at.after}; {at.abort}"
    yield "interrupted", f"`slipway resume {target}` continues with {at.stage.title}, then {at.after}; {at.abort}"
