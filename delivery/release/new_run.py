"""Compose the run of a release: what it would go through, from what is live now. Nothing here writes."""

from contextlib import suppress
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import uuid4

from delivery.errors import DeliveryError, MetricsUnavailable, Refused, Unchanged
from delivery.metrics.offered import Offered
from delivery.plan.stages import ALL, Stage, course
from delivery.release import holds
from delivery.release.service import Service
from delivery.release.source import refuse_unvouched
from models.delivery import Override, Run
from models.release import TREE, ServiceRelease, SlotRelease
from models.strategy import Rolling
from models.vocabulary import OTHER_SLOT


class How(TypedDict, total=False):
    """How a release is carried out."""

    manual: bool
    """Whether each step waits for `slipway step`."""
    express: bool
    """Whether the release goes to 100 % in one step, without a gate."""
    override: Override | None
    """Who bypasses missing evidence, and why."""


def new_run(service: Service, target: SlotRelease, now: datetime, **how: Unpack[How]) -> Run:
    """Return the run that would carry this release out. Write nothing.

    Raises:
        Refused: the bytes are held, the source stack does not vouch for them, or the gate could not judge them.
        Unchanged: the bytes are live already.
        Unreadable: ``pulumi up`` would refuse the stack file as it is, or with the new version.
        DeliveryError: the service's strategy cannot be carried out here.
    """
    spec, live = service.spec, service.fallback()
    # `slipway plan` without options has no digest yet.
    known = target.image is not None or service.builds or spec.image in service.stack.settings().images
    service.stack.refuse_undeployable(service.name, _promoted(service, target) if known else service.release())
    target = service.pinned(target)
    stable = _stable(service, live, target)
    express, override = how.get("express", False), how.get("override")
    run = Run(
        id=f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}",
        target=target,
        image=target.image,
        follows=_follows(service),
        **_placed(service, stable, now, live=live, express=express),
        manual=how.get("manual", False),
        express=express,
        override=override,
    )
    stages = course(spec, run)
    if known:
        service.stack.refuse_undeployable(service.name, stages[0].release)
    if target.image is not None:  # else this stack builds it, or `slipway plan` has no digest yet
        record, version = service.record(), service.version(target, target.image)
        holds.refuse_held(record, version, **service.named)
        if live is not None and stable.slots[stable.live] == target:
            raise Unchanged(
                f"{service.stack.name}: the live slot of {service.name} already runs exactly this version; "
                "nothing to release"
            )
    if not express and override is None:
        refuse_unvouched(service, target, now)
    if any(stage.gate for stage in stages):
        _refuse_unmeasurable(service, run, stages)
    return run


def _refuse_unmeasurable(service: Service, run: Run, stages: tuple[Stage, ...]) -> None:
    """Refuse a release whose gate could never tell anything: the message lists the series that exist.

    What the live slot exports is asked only if it is compared with the new one, in the same window. In place and at
    100 %, the new version may be the first that exports what the gate reads.

    Raises:
        Refused: the gate cannot be judged, or the account may not read what it reads.
    """
    metrics = service.stack.required_metrics(f"the gate of {service.name}")
    gate, live = service.spec.release.gate, run.stable.live
    target = service.target({"live": live, "candidate": run.candidate})
    faults = list(target.offer.unjudged(gate))
    compared = run.candidate != live and any(stage.gate and 0 < stage.release.weight < ALL for stage in stages)
    with service.watching():
        if denied := metrics.forbidden():
            raise Refused(f"{service}: {denied}")
        if compared and not faults:
            with suppress(MetricsUnavailable):  # the gate waits for the metrics source, until its deadline
                faults = list(Offered(metrics, target, live).faults(gate, run.began.timestamp()))
    if faults:
        raise Refused("\n".join(f"{service}: release.gate cannot be judged: {fault}" for fault in faults))


def _promoted(service: Service, target: SlotRelease) -> ServiceRelease:
    """Return the state in which the new version has replaced the live one.

    What is declared now need not be deployable: a release in place may mend what is wrong with it. The new version is
    not pinned here, because a revision leaves out what its service cannot use, for example a model.
    """
    live = service.release().live
    content = target if target.pinned else target.model_copy(update={"revision": TREE})
    return ServiceRelease(live=live, slots={live: content})


def rebased(service: Service, run: Run, now: datetime) -> Run:
    """Return a new run updated to what is live now, after the previous run has ended."""
    live = service.fallback()
    stable = _stable(service, live, run.target)
    return run.model_copy(update=_placed(service, stable, now, live=live, express=run.express))


def _placed(
    service: Service,
    stable: ServiceRelease,
    now: datetime,
    *,
    live: SlotRelease | None,
    express: bool,
) -> dict[str, Any]:
    """Return the fields of a run that depend on what is live when it begins."""
    in_place = live is None or (isinstance(service.spec.release, Rolling) and not express)
    return {
        "candidate": stable.live if in_place else OTHER_SLOT[stable.live],
        "stable": stable,
        "first": live is None,
        "pods": 0 if live is None else service.ready(stable.live),
        "began": now,
        "stage_began": now,
    }


def _follows(service: Service) -> bool:
    """Return whether the live slot follows the working tree, or did before the release that the new one supersedes."""
    run, declared = service.record().run, service.release()
    return run.follows if run is not None else declared.slots[declared.live].revision == TREE


def _stable(service: Service, live: SlotRelease | None, target: SlotRelease) -> ServiceRelease:
    if live is None:  # nothing to go back to
        return ServiceRelease(slots={"blue": target})
    run, declared = service.record().run, service.release()
    if run is not None and run.warm_until is None:  # the run under way ends before the new one begins
        return _where_it_ends(run)
    if declared.canary is not None and declared.weight:
        raise DeliveryError(
            f"{service.name}: slot {declared.canary} answers {declared.weight} % of the requests, but no release is "
            f"under way; set its weight to 0 in {service.stack.file.path.name}, or remove the slot"
        )
    return ServiceRelease(live=declared.live, slots={declared.live: live})


def _where_it_ends(run: Run) -> ServiceRelease:
    """Return what is live after the run under way has ended, for a newer run: never the version that it leaves."""
    if run.express and run.kind == "forward":  # a rollback by a new release: it leaves its stable version
        return ServiceRelease(live=run.candidate, slots={run.candidate: run.target})
    return run.stable
