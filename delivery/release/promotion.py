"""From one environment to the next: the bytes that a stack vouches for, whole, and nothing else.

The version is not chosen but read: what the source runs in its live slot, by digest, with model, settings and files. A
digest that no registry has can thus not be asked for; one that has vanished since is found out by the pods that cannot
pull it, and the release goes back while the old slot answers. Everything is checked for every target before the first
one is touched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from delivery.errors import Refused
from delivery.release import evidence, holds
from delivery.release.stack import Session
from models.delivery import Override
from models.evidence import Evidence, Wanted
from models.release import SlotRelease


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """One service that goes to one stack."""

    session: Session
    service: str
    content: SlotRelease
    """What it will run: by digest."""


def plan(
    source: Session,
    targets: Sequence[Session],
    services: Sequence[str] = (),
    *,
    now: datetime,
    override: Override | None = None,
) -> list[Promotion]:
    """Find out what would be promoted, target by target; what a target runs already is left out. Writes nothing.

    Args:
        source: The stack that vouches.
        targets: Stacks of one environment, in the order in which they are to follow.
        services: None = every service of the entry.
        now: The time, for soak and freshness.
        override: Goes past missing evidence, never past a hold.

    Raises:
        Refused: one line with the rule that forbids it.
    """
    _refuse_unfit(source, targets)
    outputs = source.outputs()
    names = list(services) or list(source.entry.services)
    found: list[Promotion] = []
    for name in names:
        source.service_spec(name)
        offered = evidence.read(outputs, source.stack, name)
        receiving = [target for target in targets if not _runs(target, name, offered)]
        for target in receiving:
            _refuse_unproven(source, target, name, offered, now, override)
        for target in receiving:
            image, config = offered.live.image, offered.live.config
            content = target.pinned(name, offered.live.whole)
            at = {"stack": target.stack, "service": name}
            holds.refuse_held(target.delivery(name), image, config, revision=content.pinned, **at)
            found.append(Promotion(session=target, service=name, content=content))
    order = [target.stack for target in targets]
    return sorted(found, key=lambda promotion: order.index(promotion.session.stack))


def _refuse_unfit(source: Session, targets: Sequence[Session]) -> None:
    """Refuse stacks between which nothing can be promoted."""
    stacks = [target.stack for target in targets]
    if not stacks or len({source.stack, *stacks}) <= len(stacks):
        raise Refused(f"promote {source.stack} {' '.join(stacks)}: take from one stack, go to others, name each once")
    for target in targets:
        _refuse_order(source, target)
        asked = target.settings().source
        wanted = (asked or source.stack).rpartition("/")[2]
        if wanted != source.stack:
            raise Refused(
                f"{target.stack}: takes evidence from {asked} (slipway:source), not from {source.stack}; "
                f"slipway promote {wanted} {target.stack}"
            )
    environments = {target.environment for target in targets}
    if len(environments) > 1:
        raise Refused(
            f"{', '.join(stacks)}: are of different environments ({', '.join(sorted(environments))}), and the later "
            "one needs the earlier one's verdict; promote one after the other"
        )


def _refuse_order(source: Session, target: Session) -> None:
    theirs, ours = (session.settings().system.entry for session in (source, target))
    if theirs != ours:
        raise Refused(f"{target.stack}: runs {ours}, {source.stack} {theirs}; promote within one catalogue entry")
    order = list(target.entry.environments)
    if order.index(source.environment) >= order.index(target.environment):
        raise Refused(
            f"{target.stack}: {target.environment} does not come after {source.environment} in catalog/{ours}.yaml "
            f"({' → '.join(order)}); promote in that direction"
        )


def _refuse_unproven(  # noqa: PLR0913, PLR0917 -- who vouches for what, to whom
    source: Session, target: Session, service: str, offered: Evidence, now: datetime, override: Override | None
) -> None:
    run = source.delivery(service).run
    if run is not None and (run.kind == "back" or run.warm_until is None):
        raise Refused(
            f"{source.stack}: {service} is in the middle of release {run.id}; wait for its verdict "
            f"(slipway status {source.stack}), then promote"
        )
    if override is None:
        wanted = Wanted(
            image=offered.live.image,
            config=offered.live.config,
            environment=target.environment,
            runs=target.revision(service, offered.live.whole).spec,
        )
        evidence.vouched(offered, wanted, target.entry, now)


def _runs(target: Session, service: str, offered: Evidence) -> bool:
    """Whether it runs these bytes already, with nothing under way."""
    declared, run = target.declared(service), target.delivery(service).run
    if declared is None or (run is not None and run.warm_until is None):
        return False
    live = target.live(service)
    if live is None or not offered.live.is_same(live.image, target.config(service, live)):
        return False
    return target.revision(service, live) == target.revision(service, offered.live.content)
