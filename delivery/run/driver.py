"""Carries a release through its stages, from whatever its record says.

Every stage goes the same way: the record is written (what is declared, and which stage), traffic moves if that is all
that changes, ``pulumi up`` makes the rest true, the pods are counted, the split is seen, the gate judges. Whoever kills
the driver between any two of these finds the next one to do in the stack file: :func:`go` starts there.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from components import names
from delivery.errors import OF_OUTCOME, Conflict, DeliveryError, Unreadable, UpdateFailed
from delivery.events import Event, Listener
from delivery.judge.gate import Look
from delivery.plan.stages import Stage, course, pods_needed, sends_requests
from delivery.release import records, windows
from delivery.release.records import Holding
from delivery.release.service import Service
from delivery.run import shutdown
from delivery.run.stage_judge import Judge
from delivery.run.stage_update import Reached, StageUpdate
from models.delivery import Run

_NOWHERE_TO_RUN = {"Unschedulable", "SchedulingGated"}
"""Why a pod has no node: the cluster is full, or keeps it back. It never ran: nothing is known about the version."""
Ending = Literal["rolled back", "aborted", "inconclusive", "superseded"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a command's part of a release ended."""

    result: str
    """promoted, done, rolled back, inconclusive, aborted, superseded, waiting."""
    said: str

    @property
    def exit_code(self) -> int:
        """What CI reads."""
        return OF_OUTCOME[self.result]


def now() -> datetime:
    """The time, in whole seconds: records are read by people."""
    return datetime.now(UTC).replace(microsecond=0)


def begin(service: Service, fresh: Run, listen: Listener, held: Holding | None = None) -> None:
    """Write a new release into the record; what is under way is superseded, and the fallback stays the last stable.

    A way back that is under way is gone to its end first: the version that it leaves is not the stable one.

    Args:
        service: Whose release; its stack is held exclusively.
        fresh: As :func:`records.new_run` gives it, which refuses what may not be released.
        listen: Is told how what was under way goes back.
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
        fresh = records.rebased(service, fresh, now())
    records.open_run(service, fresh, held)


def digest(service: Service, run: Run) -> str | None:
    """The image that a run releases; where the stack builds it, the one of its last update (asking takes a second)."""
    return run.target.image or service.image(run.candidate)


def go(service: Service, listen: Listener, *, steps: int | None = None) -> Outcome:
    """Carry on from the record until the release ends, or waits for somebody.

    Args:
        service: Whose release; its stack is held exclusively.
        listen: Is told everything.
        steps: Moves of traffic that are allowed; None = as many as the record says (a manual release: none).

    Raises:
        UpdateFailed: ``pulumi up`` failed for a reason that is not the new version's; the record stays as it is.
        Conflict: somebody else changed the service's release or run meanwhile; traffic is safe, and the line says how.
        Unreadable: somebody else left a stack file that cannot be read; the same.
    """
    stage: _Stage | None = None
    told = steps is not None
    try:
        with service.stack.file.watched(service.name):
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
        raise type(stopped)(f"{stopped}; {stage.left() if stage else 'nothing moved'}") from None


def turn_back(service: Service, ending: Ending, reason: str, *, blame: bool = False) -> None:
    """Write into the record that the release goes back; :func:`go` then does it.

    One that goes back already goes on doing so; a version that is blamed meanwhile is held all the same.

    Args:
        service: Whose release; its stack is held exclusively.
        ending: How the release will have ended.
        reason: One line for a person.
        blame: Whether the version itself failed: its bytes are then held, and evidence for them is revoked.

    Raises:
        DeliveryError: there is nothing to turn back from.
    """
    run = service.record().run
    if run is None:
        raise DeliveryError(f"{service.name}: no release is under way; `slipway history {service}` shows them")
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
        """Whether the new version has failed here."""

    def left(self) -> str:
        """Leave the stage to whoever changed its record: no request goes to a slot that nobody judges any more."""
        return shutdown.shut(self._service, self._run, self._stage.release, bad=self._bad)

    def done(self, steps: int) -> tuple[Outcome | None, int]:
        """Do what is left of it, and write the next one; give an outcome where the way ends or pauses."""
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
        # Whoever only resumes after a kill has not looked at both sides: a comparison ends by `approve` or `step`.
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
        if steps <= 0 and (moves or self._stage.gate):  # no pods either for a step that nobody has asked for
            return self._pauses(), 0
        return self._next(), steps - moves

    def _export(self) -> None:
        """Have the stack export its record, which other stacks read."""
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
        """Judge the stage; None = go on."""
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
        """A slot that does not get ready is the version's fault; anything else is not, and is told as it is."""
        pods = rf"\bpod {names.slot_name(self._service.name, self._run.candidate)}-\S+: (\w+)"
        said = set(re.findall(pods, str(failure)))
        if said and self._stage.name == "close":  # the valve has closed; the next stage takes the broken slot away
            self._next()
            return
        if self._run.kind == "back" or not said:
            raise failure
        if said <= _NOWHERE_TO_RUN:
            self._turned("inconclusive", str(failure))
        else:
            self._turned("rolled back", str(failure), blame=True)

    def _pauses(self) -> Outcome:
        stack, service = self._service.stack.name, self._service
        commands = f"slipway step {stack} {service} | slipway abort {stack} {service}"
        return Outcome(result="waiting", said=f"at {self._stage.title}; next: {commands}")

    def _kept(self) -> Outcome | None:
        until = self._run.warm_until
        if until is not None and until > now():
            back = f"slipway rollback {self._service}"
            return Outcome(
                result="promoted", said=f"the old slot is kept warm until {until:%H:%M:%S} UTC; back: {back}"
            )
        self._next()
        return None

    def _ended(self) -> Outcome:
        image = digest(self._service, self._run)
        records.end(self._service, now(), image=image)
        self._export()
        return Outcome(result="promoted", said=f"{self._service.name} runs the new version; the old slot is gone")

    def _returned(self) -> Outcome:
        run = self._run
        records.end(self._service, now(), image=run.image)
        self._export()
        ending = run.outcome or "aborted"
        return Outcome(result=ending, said=f"{ending}: {run.reason or 'as asked'}; traffic is where it was before")

    def _stays(self) -> Outcome:
        """End a first deployment that nothing ran before: no update can bring back what was there."""
        run = self._run
        records.end(self._service, now(), image=run.image)
        if self._service.ready(run.candidate) >= pods_needed(self._service.runs(run.target), run.target):
            self._export()  # an update of pods that do not get ready waits for them in vain
        ending = run.outcome or "aborted"
        said = f"{ending}: {run.reason or 'as asked'}; nothing ran before: it stays until another is released"
        return Outcome(result=ending, said=said)

    def _tell(self, kind: str, said: str = "") -> None:
        event = Event(kind=kind, service=self._service.name, stage=self._stage.title, said=said, run=self._run)
        place = {"index": self._run.stage, "of": len(self._stages), "weight": self._stage.release.weight}
        self._listen(replace(event, **place))
