"""The course of a release: every state that it declares, in order.

A stage *is* a :class:`ServiceRelease` that a stack file can declare and ``pulumi up`` can apply. The course is computed
only from the service's strategy and the run in the record. So a restarted driver finds its place again, and people can
see in advance what each stage will declare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from models.delivery import Run
from models.release import Match, ServiceRelease, SlotRelease
from models.scaling import within
from models.service import ServiceSpec
from models.strategy import BlueGreen, Canary, SideBySide, Step, Strategy
from models.vocabulary import SlotName

ALL = 100


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One state of a release, and the conditions for the next one."""

    name: str
    """fill, verify, shrink, scale, step, compare, promote, drain, grow, roll; on the way back close, empty, restore,
    refill, reopen, return, unroll."""
    release: ServiceRelease
    gate: bool = False
    """Whether the new slot is judged here."""
    hold: int = 0
    """Minimum seconds at this stage."""
    approval: bool = False
    """Whether a person must approve before the next stage."""
    waits: bool = False
    """Whether the stage waits for a person's decision (A/B). Its gate can only turn the release back."""
    warm: int = 0
    """Seconds that the old slot is kept after this stage."""

    @property
    def title(self) -> str:
        """The stage's name for display, with the weight if it is a step."""
        return f"{self.name} {self.release.weight} %" if self.name in ("step", "compare") else self.name


def course(spec: ServiceSpec, run: Run) -> tuple[Stage, ...]:
    """Return all stages of a run in order; ``run.stage`` is an index into them."""
    if run.kind == "back":
        return tuple(_back(run.left or run.stable, run.stable, run.pods))
    strategy = spec.release
    if run.candidate == run.stable.live:  # rolling, or the first deployment
        return tuple(_rolling(run, strategy))
    return tuple(_through_the_other_slot(spec, run, strategy))


def pods_needed(spec: ServiceSpec, content: SlotRelease) -> int:
    """Return the number of ready pods that a slot needs before a stage counts as reached."""
    return max(within(spec.scaling, content.min_replicas, content.max_replicas).floor, 0)


def _rolling(run: Run, strategy: Strategy) -> Iterator[Stage]:
    rolled = run.stable.model_copy(update={"slots": {run.stable.live: run.target}})
    yield Stage(name="roll", release=rolled, gate=True, approval=strategy.approval)


def _through_the_other_slot(spec: ServiceSpec, run: Run, strategy: Strategy) -> Iterator[Stage]:
    yield from _Course(spec, run, strategy).stages()


class _Course:
    """Builds the stages in order; ``_at`` is the state declared last."""

    def __init__(self, spec: ServiceSpec, run: Run, strategy: Strategy) -> None:
        self._spec, self._run, self._strategy = spec, run, strategy
        self._live: SlotName = run.stable.live
        self._new: SlotName = run.candidate
        self._size = max(run.pods, spec.scaling.floor, 1)
        self._constant = getattr(strategy, "capacity", "surge") == "constant" and not run.express
        self._at = ServiceRelease(live=self._live, slots={self._live: run.stable.slots[self._live]})

    def stages(self) -> Iterator[Stage]:
        steps, match = self._steps()
        last = len(steps) - 1
        yield from self._sized(steps[0].weight, "fill")
        if isinstance(self._strategy, BlueGreen) and not self._run.express:
            self._at = self._at.model_copy(update={"match": match})
            yield Stage(name="verify", release=self._at, gate=True)
        for index, step in enumerate(steps):
            yield from self._sized(step.weight, "scale")
            self._at = self._at.model_copy(update={"weight": step.weight, "match": match})
            waits = isinstance(self._strategy, SideBySide) and index == 0 and not self._run.express
            yield Stage(
                name="compare" if waits else "step",
                release=self._at,
                gate=not self._run.express,
                hold=step.hold,
                approval=(step.approval or (index == last and self._strategy.approval)) and not self._run.express,
                waits=waits,
            )
        yield from self._promoted()

    def _steps(self) -> tuple[tuple[Step, ...], Match]:
        strategy, everything = self._strategy, Step(weight=ALL)
        if self._run.express:
            return (everything,), Match()
        if isinstance(strategy, Canary):
            return strategy.steps, strategy.match
        if isinstance(strategy, SideBySide):
            compared = Step.model_construct(weight=strategy.weight, hold=0, approval=False)
            return ((compared,) if strategy.weight == ALL else (compared, everything)), strategy.match
        return (everything,), strategy.match if isinstance(strategy, BlueGreen) else Match()

    def _sized(self, weight: int, name: str) -> Iterator[Stage]:
        """Yield the stages that size both slots for a weight: pods first, requests after."""
        live, new = self._pods(weight)
        live_content = self._content(self._run.stable.slots[self._live], *live)
        new_content = self._content(self._run.target, *new)
        if self._at.slots.get(self._live) != live_content and self._constant:
            self._at = self._at.model_copy(update={"slots": {**self._at.slots, self._live: live_content}})
            yield Stage(name="shrink", release=self._at)
        slots = {self._live: live_content, self._new: new_content}
        if self._at.slots != slots:
            self._at = self._at.model_copy(update={"slots": slots})
            yield Stage(name=name, release=self._at)

    def _pods(self, weight: int) -> tuple[tuple[int | None, int | None], tuple[int | None, int | None]]:
        """Return the minimum and maximum pods of the live and the new slot at a weight; None = as in the entry."""
        size = self._size
        if self._constant:
            new = max(1, min(round(size * weight / ALL), size - 1))
            live = max(1, size - new)
            return (live, live), (new, new)
        if self._spec.route is None and weight < ALL:
            live, new = shared_pods(size, weight)
            return (live, live), (new, new)
        # For the way back, the live slot keeps the pods that carried all requests: its autoscaler would remove some.
        return (size, None), (max(1, ceil(size * weight / ALL)), None)

    def _content(self, content: SlotRelease, least: int | None, most: int | None) -> SlotRelease:
        scaling = self._spec.scaling
        needed = least if least is not None and (least > scaling.floor or most is not None) else None
        return content.model_copy(update={"min_replicas": needed, "max_replicas": most})

    def _promoted(self) -> Iterator[Stage]:
        self._at = self._at.model_copy(update={"live": self._new, "weight": 0, "match": Match()})
        yield Stage(name="promote", release=self._at, warm=getattr(self._strategy, "warm", 0))
        # Pulumi deletes last: a slot that grew in the same update would wait for pods and devices not yet released.
        shrunk = ServiceRelease(live=self._new, slots={self._new: self._at.slots[self._new]})
        whole = ServiceRelease(live=self._new, slots={self._new: self._run.target})
        yield Stage(name="drain", release=shrunk if self._constant else whole)
        if self._constant:
            yield Stage(name="grow", release=whole)


def shared_pods(size: int, weight: int) -> tuple[int, int]:
    """Return the pods of the live and the new slot behind one Service, so that ``weight`` percent reach the new one.

    The share is approximate: connections spread evenly over pods. Neither slot gets more pods than the live one had.
    """
    if weight <= ALL // 2:
        return size, max(1, round(size * weight / (ALL - weight)))
    return max(1, round(size * (ALL - weight) / weight)), size


def _back(left: ServiceRelease, stable: ServiceRelease, pods: int) -> Iterator[Stage]:
    """Yield the stages from where the release turned back to ``stable``."""
    old, kept = stable.live, stable.slots[stable.live]
    if left.live == old and left.slots.keys() == {old}:
        yield Stage(name="unroll", release=stable)
        return
    if left.live != old:
        at = left.model_copy(update={"weight": 0, "match": Match()})
        for stage in _old_slot_filled(at, old, kept, pods):
            at = stage.release
            yield stage
        yield Stage(name="reopen", release=at.model_copy(update={"weight": ALL}))
        at = at.model_copy(update={"live": old})
        yield Stage(name="return", release=at)
    else:
        at = left.model_copy(update={"weight": 0, "match": Match()})
        if at != left:  # a slot that never became ready is not open, and its update would wait for it again
            yield Stage(name="close", release=at)
    emptied = at.model_copy(update={"slots": {old: at.slots[old]}})
    if emptied.slots[old].max_replicas is None:
        yield Stage(name="empty", release=stable)
    else:  # the old slot needs the room of the deleted pods, so it grows afterwards
        yield Stage(name="empty", release=emptied)
        yield Stage(name="restore", release=stable)


def _old_slot_filled(left: ServiceRelease, old: SlotName, kept: SlotRelease, carried: int) -> Iterator[Stage]:
    """Yield the stages that, after a promotion, size the old slot for all requests before it gets them."""
    new = left.live
    if old not in left.slots:
        whole = kept.model_copy(update={"min_replicas": max(carried, 1)})
        yield Stage(name="refill", release=left.model_copy(update={"slots": {**left.slots, old: whole}}))
    elif (pods := left.slots[new].max_replicas) is not None:
        one, many = {"min_replicas": 1, "max_replicas": 1}, {"min_replicas": pods, "max_replicas": pods}
        shrunk = {**left.slots, new: left.slots[new].model_copy(update=one)}
        yield Stage(name="shrink", release=left.model_copy(update={"slots": shrunk}))
        grown = {**shrunk, old: left.slots[old].model_copy(update=many)}
        yield Stage(name="scale", release=left.model_copy(update={"slots": grown}))


def sends_requests(stage: Stage) -> bool:
    """Return whether a stage gives the new slot more traffic. A manual release asks before each of these stages."""
    return stage.name in ("step", "compare", "promote")
