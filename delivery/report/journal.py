"""Folds the driver's events into the current state of a release, for both the live view and the JSON document."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from delivery.events import Event
from delivery.formatting import documents
from delivery.plan.stages import Stage, course
from models.delivery import CheckResult, Run
from models.service import ServiceSpec

State = Literal["to come", "now", "done", "left", "skipped"]
"""`left`: the release turned back at this stage; `skipped`: it turned back before it reached this stage."""

_TAIL = 6
"""Lines of Pulumi's output that stay visible: enough to see what Pulumi waits for."""


@dataclass
class Entry:
    """One stage of the course, with its measurements."""

    stage: Stage
    back: bool
    """Whether the stage belongs to the way back."""
    state: State = "to come"
    began: float | None = None
    ended: float | None = None
    samples: int = 0
    wanted: int = 0
    share: float | None = None
    checks: Mapping[str, CheckResult] = field(default_factory=dict[str, CheckResult])

    def seconds(self, now: float) -> float | None:
        """Return how long the stage has taken; None before it began, or if another driver carried it out."""
        return None if self.began is None else (self.ended if self.ended is not None else now) - self.began

    def document(self, now: float) -> dict[str, Any]:
        """Return the stage as JSON data."""
        seconds = self.seconds(now)
        return {
            "stage": self.stage.title,
            "direction": "back" if self.back else "forward",
            "state": self.state,
            "weight": self.stage.release.weight,
            "seconds": None if seconds is None else round(seconds, 1),
            "samples": self.samples,
            "wanted": self.wanted,
            "observedPercent": self.share,
            "checks": documents(self.checks),
        }


class Journal:
    """A listener that keeps the state of a release. Times are seconds of the given clock."""

    def __init__(self, service: str, spec: ServiceSpec, clock: Callable[[], float] = time.monotonic) -> None:
        self.service, self._spec, self._clock = service, spec, clock
        self.began = clock()
        self.entries: list[Entry] = []
        self.run: Run | None = None
        self.said = ""
        self.reason = ""
        """Why the release went back."""
        self.tail: deque[str] = deque(maxlen=_TAIL)

    def __call__(self, event: Event) -> None:
        """Record one event."""
        if event.run is not None:
            self._follow(event.run, event.index)
        if event.kind == "stage":
            self._arrive(event.index)
        elif event.kind == "turned":
            self.reason = event.said
        elif event.kind == "done":
            self._finish()
        self._measure(event)
        if event.kind == "update":
            self.tail.append(event.said)
        elif event.said:
            self.said = event.said

    @property
    def now(self) -> float:
        """The current time of the clock."""
        return self._clock()

    @property
    def current(self) -> Entry | None:
        """The stage in progress; None = no stage."""
        return next((entry for entry in self.entries if entry.state == "now"), None)

    @property
    def judged(self) -> Mapping[str, CheckResult]:
        """The newest checks."""
        return next((entry.checks for entry in reversed(self.entries) if entry.checks), dict[str, CheckResult]())

    def document(self) -> dict[str, Any]:
        """Return the stages, checks and figures as JSON data."""
        measured = [entry for entry in self.entries if entry.samples]
        return {
            "run": self.run.id if self.run else None,
            "stages": [entry.document(self.now) for entry in self.entries],
            "checks": documents(self.judged),
            "figures": {
                "seconds": round(self.now - self.began, 1),
                "requestsJudged": sum(entry.samples for entry in measured),
                "stagesPassed": sum(entry.state == "done" and not entry.back for entry in self.entries),
            },
        }

    def _follow(self, run: Run, index: int) -> None:
        turned = self.run is not None and self.run.kind != run.kind
        if self.run is None or turned or self.run.id != run.id:
            if turned:
                self._leave()
            else:
                self.entries.clear()
            stages = course(self._spec, run)
            self.entries += [Entry(stage, back=run.kind == "back") for stage in stages]
            for entry in list(self._leg())[: max(index, run.stage)]:
                entry.state = "done"  # carried out by an earlier driver
        self.run = run

    def _leg(self) -> Iterator[Entry]:
        back = any(entry.back for entry in self.entries)
        return (entry for entry in self.entries if entry.back == back)

    def _arrive(self, index: int) -> None:
        for place, entry in enumerate(self._leg()):
            if place < index and entry.state != "done":
                self._close(entry, "done")
            elif place == index and entry.state != "now":
                entry.state, entry.began = "now", self.now

    def _leave(self) -> None:
        for entry in self.entries:
            if entry.state == "now":
                self._close(entry, "left")
            elif entry.state == "to come":
                entry.state = "skipped"

    def _finish(self) -> None:
        for entry in self._leg():
            if entry.state == "now":
                self._close(entry, "done")

    def _close(self, entry: Entry, state: State) -> None:
        entry.state, entry.ended = state, self.now if entry.began is not None else None

    def _measure(self, event: Event) -> None:
        at = self.current
        if at is None:
            return
        at.samples = max(at.samples, event.samples)
        at.wanted = event.wanted or at.wanted
        at.share = at.share if event.share is None else event.share
        at.checks = event.checks or at.checks
