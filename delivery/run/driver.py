"""Carries a release through its stages, starting from its record.

Every stage has the same order: write the record (the declared release and the stage), move traffic if nothing else
changes, run ``pulumi up`` for the rest, count the pods, observe the split, and judge the gate. If the driver is killed
between two of these, the stack file shows which one is next, and :func:`go` starts there.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from components import names
from delivery.errors import OF_OUTCOME, ClusterUnavailable, Conflict, Unreadable, UpdateFailed
from delivery.events import Event, Listener
from delivery.judge.gate import Look
from delivery.plan.stages import Stage, course, sends_requests
from delivery.release import records, windows
from delivery.release.new_run import rebased
from delivery.release.records import Holding
from delivery.release.service import Service
from delivery.run import shutdown
from delivery.run.stage_judge import Judge
from delivery.run.stage_update import Reached, StageUpdate
from models.delivery import Run

_NOWHERE_TO_RUN = {"Unschedulable", "SchedulingGated"}
"""Reasons why a pod has no node. The pod never ran, so nothing is known about the version."""
Ending = Literal["rolled back", "aborted", "inconclusive", "superseded"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command's part of a release ended."""

    result: str
    """One of promoted, done, rolled back, inconclusive, aborted, superseded, waiting."""
    said: str

    @property
    def exit_code(self) -> int:
        """The exit code of the command, for CI."""
        return OF_OUTCOME[self.result]


def now() -> datetime:
    """Return the time in whole seconds, because people read the records."""
    return datetime.now(UTC).replace(microsecond=0)


def begin(service: Service, fresh: Run, listen: Listener, held: Holding | None = None) -> None:
    """Write a new release into the record. It supersedes any release under way; the fallback stays the last stable.

    A way back that is under way ends first, because the version that it leaves is not the stable one.

    Args:
        service: The service; its stack is held exclusively.
        fresh: The run from :func:`delivery.release.new_run.new_run`, which refuses what may not be released.
        listen: Receives the events of the superseded release while it goes back.
        held: Adds holds to the record, in the same write.
    """
    run = service.record().run
    if run is not None and run.warm_until is None:
        if run.kind == "forward" and not run.express:
            turn_back(service, "superseded", f"release {fresh.id} began")
        go(service, listen)
    left = service.record().run
    if left is not None and left.warm_until is not None:
        records.end(service, now(), image=digest(service, left))
    if run is not None:
        fresh = rebased(service, fresh, now())
    records.open_run(service, fresh, held)


def digest(service: Service, run: Run) -> str | None:
    """Return the digest that a run releases; for an image that the stack builds, ask Pulumi, which takes a second."""
    return run.target.image or service.image(run.candidate)


def go(service: Service, listen: Listener, *, steps: int | None = None) -> Outcome:
    """Continue from the record until the release ends or waits for a person.

    Args:
        service: The service; its stack is held exclusively.
        listen: Receives every event.
        steps: Traffic moves that are allowed; None = none for a manual release, else no limit.

    Raises:
        UpdateFailed: ``pulumi up`` failed for a reason other than the new version; the record stays as it is.
        Conflict: somebody else changed the service's release or run. Traffic is safe, and the message says how.
        Unreadable: somebody else left a stack file that cannot be read. Traffic is safe, as for Conflict.
    """
    stage: _Stage | None = None
    told = steps is not None
    try:
        with service.stack.file.watched(service.name), service.watching(keep=True):
            while True:
                run = service.record().run
                if run is None:
                    return Outcome(result="done", said="no release is under way")
                if steps is None:
                    steps = 0 if run.manual and run.kind == "forward" else 1_000
                stages = course(service.spec, run)
                stage = _Stage(service, run, stages, listen, told=told)
                outcome, steps = stage.done(steps)
                if outcome is not None:
                    kind = "waiting" if outcome.result == "waiting" else "done"
                    listen(Event(kind=kind, service=service.name, said=outcome.said))
                    return outcome
    except (Conflict, Unreadable) as stopped:
        raise type(stopped)(f"{stopped}; {stage.left() if stage else 'no traffic was moved'}") from None


def turn_back(service: Service, ending: Ending, reason: str, *, blame: bool = False) -> None:
    """Record that the release goes back; :func:`go` then carries that out.

    A release that is already going back continues. If its version is blamed meanwhile, the version is still held.

    Args:
        service: The service; its stack is held exclusively.
        ending: The outcome of the release.
        reason: One human-readable line.
        blame: Whether the version itself failed: its bytes are then held, and evidence for them is revoked.

    Raises:
        DeliveryError: no release is under way.
    """
    _, run = records.under_way(service)
    if run.kind == "forward":
        records.turn(service, records.Turned(ending, reason, blame), now(), image=digest(service, run))
    elif blame and run.outcome != "rolled back":
        records.blame(service, reason, now(), image=run.image or digest(service, run))


class _Stage:
    """The stage that the record names."""

    def __init__(self, service: Service, run: Run, stages: tuple[Stage, ...], listen: Listener, *, told: bool) -> None:
        self._service, self._run, self._stages, self._listen = service, run, stages, listen
        self._told = told
        self._stage = stages[run.stage]
        self._judge = Judge(service, run, self._stage)
        self._bad = False
        """Whether the new version has failed at this stage."""

    def left(self) -> str:
        """Stop sending requests to a slot that nobody judges any more; return the resulting state as a message."""
        return shutdown.shut(self._service, self._run, self._stage.release, bad=self._bad)

    def done(self, steps: int) -> tuple[Outcome | None, int]:
        """Finish the stage and write the next one. Return the outcome (None = continue) and the steps left."""
        if self._run.warm_until is not None:
            return self._kept(), steps
        if self._run.kind == "back" and self._run.first:
            return self._stays(), steps
        try:
            reached = self._reach()
        except UpdateFailed as failure:
            self._failed(failure)
            return None, steps
        last = self._run.stage == len(self._stages) - 1
        if self._run.kind == "back":
            return (self._returned() if last else self._next()), steps
        # Resuming after a kill decides nothing about a comparison of two slots: only `approve` or `step` ends it.
        decided = self._stage.waits and self._run.reached and (self._told or self._run.stage in self._run.approved)
        if not decided and ((outcome := self._settled(reached)) is not None or self._went_back()):
            return outcome, steps
        return self._onward(last=last, steps=steps)

    def _went_back(self) -> bool:
        run = self._service.record().run
        return run is not None and run.kind == "back"

    def _onward(self, *, last: bool, steps: int) -> tuple[Outcome | None, int]:
        if self._stage.warm:
            records.keep_warm(self._service, now(), self._stage.warm)
            self._export()
            return None, steps
        if last:
            return self._ended(), steps
        moves = sends_requests(self._stages[self._run.stage + 1])
        if steps <= 0 and (moves or self._stage.gate):  # adds no pods for a step that nobody requested
            return self._pauses(), 0
        return self._next(), steps - moves

    def _export(self) -> None:
        """Update the stack so that it exports its record, which other stacks read."""
        self._service.stack.update(lambda _: None)

    def _reach(self) -> Reached:
        before = self._stages[self._run.stage - 1].release if self._run.stage else (self._run.left or self._run.stable)
        self._tell("stage", said=self._stage.title)
        return StageUpdate(
            service=self._service,
            run=self._run,
            stage=self._stage,
            judge=self._judge,
            before=before,
            listen=self._listen,
        ).reach()

    def _settled(self, reached: Reached) -> Outcome | None:
        """Judge the stage; return the outcome, or None to continue."""
        if self._stage.gate:
            looked = self._looked(reached)
            if looked.result == "fail":
                return self._turned("rolled back", looked.said, blame=True)
            if looked.result != "pass" and not self._stage.waits:
                return self._turned("inconclusive", looked.said)
        if self._stage.waits:
            return self._pauses()
        if self._stage.approval and self._run.stage not in self._run.approved:
            command = f"slipway approve {self._service} --reason …"
            return Outcome(result="waiting", said=f"{self._stage.title}: waits for approval: {command}")
        return None

    def _looked(self, reached: Reached) -> Look:
        looked = reached.failed or self._judge.settle(reached.moved, self._listen)
        self._bad = looked.result == "fail"
        event = Event(
            kind="verdict", service=self._service.name, said=f"{looked.result}: {looked.said}", checks=looked.checks
        )
        self._listen(replace(event, stage=self._stage.title, samples=looked.samples, wanted=looked.wanted))
        passed = now() if looked.result == "pass" else None
        compared = self._judge.compared
        windows.judged(self._service, looked.checks, passed=passed, compared=compared)
        return looked

    def _turned(self, ending: Ending, reason: str, *, blame: bool = False) -> None:
        self._bad = blame
        turn_back(self._service, ending, reason, blame=blame)
        self._tell("turned", said=reason)

    def _next(self) -> None:
        image = digest(self._service, self._run)
        records.advance(self._service, self._run, self._stages, now(), image=image)

    def _failed(self, failure: UpdateFailed) -> None:
        """Turn back if the new slot's pods did not become ready; re-raise a failure with another cause."""
        pods = rf"\bpod {names.slot_name(self._service.name, self._run.candidate)}-\S+: (\w+)"
        said = set(re.findall(pods, str(failure)))
        if said and self._stage.name == "close":  # traffic is off; the next stage removes the broken slot
            self._next()
            return
        if self._run.kind == "back" or not said:
            raise failure
        if said <= _NOWHERE_TO_RUN:
            self._turned("inconclusive", str(failure))
        else:
            self._turned("rolled back", str(failure), blame=True)

    def _pauses(self) -> Outcome:
        commands = f"slipway step {self._service} | slipway abort {self._service}"
        return Outcome(result="waiting", said=f"at {self._stage.title}; next: {commands}")

    def _kept(self) -> Outcome | None:
        until = self._run.warm_until
        if until is not None and until > now():
            back = f"slipway rollback {self._service}"
            return Outcome(
                result="promoted", said=f"the old slot is kept warm until {until:%H:%M:%S} UTC; to go back: {back}"
            )
        self._next()
        return None

    def _ended(self) -> Outcome:
        image = digest(self._service, self._run)
        records.end(self._service, now(), image=image)
        self._export()
        return Outcome(result="promoted", said=f"{self._service.name} runs the new version; the old slot was removed")

    def _returned(self) -> Outcome:
        records.end(self._service, now(), image=self._run.image)
        self._export()
        return self._turned_back("traffic is where it was before the release")

    def _stays(self) -> Outcome:
        """End a first deployment. Nothing ran before it, so no update can restore an earlier version."""
        run, service = self._run, self._service
        try:
            serves = service.serves(run.candidate, run.target)
        except ClusterUnavailable:
            serves = False
        records.end(service, now(), image=run.image)
        if serves:  # else an update would only wait for pods that do not become ready
            self._export()
        return self._turned_back("there is no earlier version, so this one stays deployed until the next release")

    def _turned_back(self, now_true: str) -> Outcome:
        ending = self._run.outcome or "aborted"
        return Outcome(result=ending, said=f"{ending}: {self._run.reason or 'as requested'}; {now_true}")

    def _tell(self, kind: str, said: str = "") -> None:
        event = Event(kind=kind, service=self._service.name, stage=self._stage.title, said=said, run=self._run)
        place = {"index": self._run.stage, "of": len(self._stages), "weight": self._stage.release.weight}
        self._listen(replace(event, **place))
