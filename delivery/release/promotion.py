"""Promotion to the next environment: exactly the bytes that a stack vouches for.

The version is not chosen but read from the source: what its live slot runs, by digest, with model, settings and files.
So nobody can ask for a digest that no registry has. If a digest has disappeared since, the pods cannot pull it, and the
release goes back while the old slot answers. All checks for every target run before the first target changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from delivery.errors import Refused
from delivery.release import evidence, holds
from delivery.release.service import Service
from delivery.release.stack import Stack
from models.delivery import Override, Version
from models.evidence import Evidence, Wanted
from models.release import SlotRelease


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One service to promote to one stack."""

    service: Service
    content: SlotRelease
    """What the target will run, by digest."""


def plan(
    source: Stack,
    targets: Sequence[Stack],
    services: Sequence[str] = (),
    *,
    now: datetime,
    override: Override | None = None,
) -> list[Promotion]:
    """Return what would be promoted, without what a target runs already. Write nothing.

    Args:
        source: The stack that vouches for the version.
        targets: Stacks of one environment, in the order of promotion.
        services: Names of services; empty = every service of the entry.
        now: The current time, for soak and freshness.
        override: Bypasses missing evidence, never a hold.

    Raises:
        Refused: a rule forbids the promotion; the message is one line with the rule.
    """
    _refuse_unfit(source, targets)
    outputs = source.outputs()
    names = list(services) or list(source.entry.services)
    found: list[Promotion] = []
    for name in names:
        giving = Service(source, name)
        offered = _offered(giving, outputs)
        receiving = [there for target in targets if not _runs(there := Service(target, name), offered)]
        for target in receiving:
            _refuse_unproven(giving, target, offered, now, override)
        for target in receiving:
            content = target.pinned(offered.live.whole)
            version = Version(offered.live.image, offered.live.config, content.pinned)
            holds.refuse_held(target.record(), version, **target.named)
            found.append(Promotion(service=target, content=content))
    order = [target.name for target in targets]
    return sorted(found, key=lambda promotion: order.index(promotion.service.stack.name))


def _offered(service: Service, outputs: Mapping[str, Any]) -> Evidence:
    """Return what the source exports about a service; raise DeliveryError if the entry does not have the service."""
    return evidence.read(outputs, service.known().stack.name, service.name)


def _refuse_unfit(source: Stack, targets: Sequence[Stack]) -> None:
    """Refuse stacks that nothing can be promoted between."""
    stacks = [target.name for target in targets]
    if not stacks or len({source.name, *stacks}) <= len(stacks):
        raise Refused(
            f"promote {source.name} {' '.join(stacks)}: requires one source and other stacks as targets; "
            "name each stack once"
        )
    for target in targets:
        _refuse_order(source, target)
        asked = target.settings().source
        wanted = (asked or source.name).rpartition("/")[2]
        if wanted != source.name:
            raise Refused(
                f"{target.name}: takes evidence from {asked} (slipway:source), not from {source.name}; "
                f"run slipway promote {wanted} {target.name}"
            )
    environments = {target.environment for target in targets}
    if len(environments) > 1:
        raise Refused(
            f"{', '.join(stacks)}: belong to different environments ({', '.join(sorted(environments))}), and the later "
            "one requires the verdict of the earlier one; promote to one environment at a time"
        )


def _refuse_order(source: Stack, target: Stack) -> None:
    theirs, ours = (stack.settings().system.entry for stack in (source, target))
    if theirs != ours:
        raise Refused(
            f"{target.name}: runs {ours}, but {source.name} runs {theirs}; promote within one catalogue entry"
        )
    order = list(target.entry.environments)
    if order.index(source.environment) >= order.index(target.environment):
        raise Refused(
            f"{target.name}: {target.environment} does not come after {source.environment} in catalog/{ours}.yaml "
            f"({' → '.join(order)}); promote in this order"
        )


def _refuse_unproven(
    source: Service, target: Service, offered: Evidence, now: datetime, override: Override | None
) -> None:
    run = source.record().run
    if run is not None and (run.kind == "back" or run.warm_until is None):
        raise Refused(
            f"{source.stack.name}: release {run.id} of {source.name} is under way; wait for its verdict "
            f"(slipway status {source.stack.name}), then promote"
        )
    if override is None:
        wanted = Wanted(
            image=offered.live.image,
            config=offered.live.config,
            environment=target.stack.environment,
            runs=target.revision(offered.live.whole).spec,
        )
        evidence.vouched(offered, wanted, target.stack.entry, now)


def _runs(target: Service, offered: Evidence) -> bool:
    """Return whether the target runs these bytes already and no release is under way."""
    run, live = target.record().run, target.fallback()
    if run is not None and run.warm_until is None:
        return False
    if live is None or not offered.live.is_same(live.image, target.config(live)):
        return False
    return target.revision(live) == target.revision(offered.live.content)
