"""What a release takes from the cluster at each stage: pods and requested resources, computed before it starts.

While a stage is being reached, new pods exist before old ones are deleted: Pulumi deletes last, and a Deployment
surges. The cluster needs room for this peak, and a GPU quota may refuse it, so the peak is what this module counts.
Terminating pods are not counted: they answer no requests, but hold their resources for up to ``drain.grace`` seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from delivery.plan.stages import ALL, course
from models.delivery import Run
from models.pod_resources import requested
from models.quantity import bytes_text, cpu_text
from models.release import ServiceRelease, SlotRelease
from models.scaling import within
from models.service import ServiceSpec
from models.vocabulary import SlotName

_SCALE_ALONE = {"min_replicas": None, "max_replicas": None}


@dataclass(frozen=True, kw_only=True)
class StageCost:
    """The pods and resources of one stage: the peak while it is being reached, and what stays."""

    title: str
    pods: Mapping[SlotName, int]
    """Pods when the stage is reached."""
    most: Mapping[SlotName, int]
    """Most pods while the stage is being reached, without the surge."""
    surge: int = 0
    """Pods above ``most`` while Deployments replace pods."""
    now: int
    """Pods before the run."""
    each: Mapping[str, Decimal]
    """Requests of one pod: cores, bytes, number of devices."""

    @property
    def total(self) -> int:
        """The most pods at once."""
        return sum(self.most.values()) + self.surge

    @property
    def above(self) -> int:
        """Pods beyond those before the run; ``capacity: constant`` is meant to keep this at 0."""
        return max(0, self.total - self.now)

    @property
    def requests(self) -> dict[str, Decimal]:
        """Total requests of the most pods at once."""
        return {name: self.total * amount for name, amount in self.each.items()}


def costs(spec: ServiceSpec, run: Run) -> tuple[StageCost, ...]:
    """Return the cost of each stage of a run, in the order of its course.

    An autoscaled slot counts with the pods that its share of the requests took at the start. With more requests it
    grows, as it would without a release.
    """
    return tuple(_costs(spec, run))


def peak(found: Sequence[StageCost]) -> StageCost:
    """Return the stage with the most pods at once; on a tie, the first one."""
    return max(found, key=lambda cost: cost.total)


def table(found: Sequence[StageCost]) -> list[list[str]]:
    """Return a heading and one row per stage: the pods per slot when reached, the peak, and the requests."""
    rows = [["stage", "pods", "at most", "above now", *found[0].each]]
    for cost in found:
        slots = ", ".join(f"{slot} {pods}" for slot, pods in cost.pods.items())
        amounts = [_text(name, amount) for name, amount in cost.requests.items()]
        rows.append([cost.title, slots, str(cost.total), f"+{cost.above}" if cost.above else "", *amounts])
    return rows


def _costs(spec: ServiceSpec, run: Run) -> Iterator[StageCost]:
    before = run.left or run.stable
    each = dict(_requested(spec))
    pods = _pods(spec, run, before)
    now = sum(pods.values())
    for stage in course(spec, run):
        after = _pods(spec, run, stage.release)
        yield StageCost(
            title=stage.title,
            pods=after,
            most={slot: max(pods.get(slot, 0), after.get(slot, 0)) for slot in pods | after},
            surge=sum(spec.rollout.surge(after[slot]) for slot in after if _replaces(before, stage.release, slot)),
            now=now,
            each=each,
        )
        before, pods = stage.release, after


def _pods(spec: ServiceSpec, run: Run, release: ServiceRelease) -> dict[SlotName, int]:
    """Return each slot's pods: as many as its share of the requests takes, within the scaling bounds."""
    return {slot: _of_slot(spec, run, content, release.weight_of(slot)) for slot, content in release.slots.items()}


def _of_slot(spec: ServiceSpec, run: Run, content: SlotRelease, weight: int) -> int:
    scaling = within(spec.scaling, content.min_replicas, content.max_replicas)
    return min(max(scaling.floor, ceil(run.pods * weight / ALL)), scaling.ceiling)


def _replaces(before: ServiceRelease, after: ServiceRelease, slot: SlotName) -> bool:
    """Return whether a filled slot gets new pods; a change of the replica count alone replaces none."""
    old, new = before.slots.get(slot), after.slots[slot]
    return old is not None and old.model_copy(update=_SCALE_ALONE) != new.model_copy(update=_SCALE_ALONE)


def _requested(spec: ServiceSpec) -> Iterator[tuple[str, Decimal]]:
    amounts = requested(spec, spec.resources)
    yield "cpu", amounts["cpu"]
    yield "memory", amounts["memory"]
    yield from ((name, Decimal(pieces)) for name, pieces in spec.resources.devices.items())


def _text(name: str, amount: Decimal) -> str:
    return bytes_text(amount) if name == "memory" else cpu_text(amount)
