"""Changes to the record of a service's releases: each function makes one atomic write of the stack file.

A write contains the record and the declared release and precedes the action, so a kill cannot separate them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack
from uuid import uuid4

from delivery.errors import DeliveryError, Unchanged
from delivery.lock.actor import who
from delivery.plan.stages import Stage, course
from delivery.release import evidence, holds
from delivery.release.service import Service
from delivery.release.size_limit import refuse_oversized
from delivery.release.source import refuse_unvouched
from models.delivery import Approval, Note, Override, Past, Run, ServiceDelivery
from models.release import TREE, ServiceRelease, SlotRelease
from models.strategy import Rolling
from models.vocabulary import OTHER_SLOT

Holding = Callable[[ServiceDelivery], ServiceDelivery]
"""A function that adds holds to a record."""


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
        Refused: the bytes are held, or the source stack does not vouch for them.
        Unchanged: the bytes are live already.
        Unreadable: ``pulumi up`` would refuse the stack file as it is, or with the new version.
        DeliveryError: the service's strategy cannot be carried out here.
    """
    spec, live = service.spec, service.fallback()
    target = service.pinned(target)
    stable = _stable(service, live, target)
    service.stack.refuse_undeployable(service.name, service.declared() or stable)
    if target.image is not None:  # else this stack builds it, or `slipway plan` has no digest yet
        service.stack.refuse_undeployable(service.name, stable.model_copy(update={"slots": {stable.live: target}}))
        record, version = service.record(), service.version(target, target.image)
        holds.refuse_held(record, version, **service.named)
        if live is not None and stable.slots[stable.live] == target:
            raise Unchanged(
                f"{service.stack.name}: {service.name} runs exactly this in its live slot; nothing to release"
            )
    express, override = how.get("express", False), how.get("override")
    if not express and override is None:
        refuse_unvouched(service, target, now)
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
    if any(stage.gate for stage in course(spec, run)):
        service.stack.required_metrics(f"the gate of {service.name}")
    return run


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


def open_run(service: Service, run: Run, held: Holding | None = None) -> None:
    """Write a new run and declare its first stage."""
    first, delivery = course(service.spec, run)[0].release, service.record()
    delivery = (held(delivery) if held else delivery).model_copy(update={"run": run})
    refuse_oversized(service, first, delivery)
    service.write(first, delivery)


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
            f"{service.name}: slot {declared.canary} answers {declared.weight} % without a release under way; "
            f"set its weight to 0 in {service.stack.file.path.name}, or drop the slot"
        )
    return ServiceRelease(live=declared.live, slots={declared.live: live})


def _where_it_ends(run: Run) -> ServiceRelease:
    """Return what is live after the run under way has ended, for a newer run: never the version that it leaves."""
    if run.express and run.kind == "forward":  # a rollback by a new release: it leaves its stable version
        return ServiceRelease(live=run.candidate, slots={run.candidate: run.target})
    return run.stable


def advance(service: Service, run: Run, stages: tuple[Stage, ...], now: datetime, *, image: str | None) -> None:
    """Declare the next stage. Before a promotion, also record the evidence for it."""
    following = stages[run.stage + 1]
    update = {"stage": run.stage + 1, "stage_began": now, "reached": False, "warm_until": None}
    delivery = service.record()
    fresh = (delivery.run or run).model_copy(update=update)
    delivery = delivery.model_copy(update={"run": fresh})
    if following.name == "promote" and run.kind == "forward" and not run.express:
        delivery = _with_verdict(service, delivery, _built(fresh, image), now)
    service.write(following.release, delivery)


def _with_verdict(
    service: Service, delivery: ServiceDelivery, run: Run, now: datetime, *, failed: bool = False
) -> ServiceDelivery:
    """Add the verdict about a run's target: the result of its last gate, even if a person decided to continue.

    Raises:
        DeliveryError: the image has no digest yet.
    """
    if run.image is None:
        raise DeliveryError(
            f"{service.stack.name}: the image that it built has no digest in its outputs; run pulumi up"
        )
    old = run.stable.slots[run.stable.live]
    found = service.verdict(
        run.target,
        run.image,
        result="fail" if failed else evidence.result_of(run.checks),
        checks=run.checks,
        began=run.began,
        ended=now,
        override=run.override,
    )
    return evidence.record(delivery, found, kept=[(old.image, service.config(old))] if old.image else [])


def reached(service: Service, moved: datetime) -> None:
    """Record that the stage was reached, and pin the image that the stack built, so that later stages run it too."""
    (delivery, run), release = under_way(service), service.release()
    changes: dict[str, object] = {"reached": True, "stage_began": moved}
    built = run.kind == "forward" and run.target.image is None and run.candidate != run.stable.live
    if built and (image := service.image(run.candidate)) is not None:
        given = {"image": image}
        changes["target"] = run.target.model_copy(update=given)
        slots = {**release.slots, run.candidate: release.slots[run.candidate].model_copy(update=given)}
        release = release.model_copy(update={"slots": slots})
    service.write(release, delivery.model_copy(update={"run": run.model_copy(update=changes)}))


def approve(service: Service, *, reason: str, by: str, now: datetime) -> None:
    """Record a person's approval of the stage; raise DeliveryError if no release waits for approval."""
    run = service.record().run
    if run is None or run.kind == "back":
        raise DeliveryError(f"{service.name}: no release waits for approval in {service.stack.name}")
    agreed = Approval(stage=run.stage, reason=reason, by=by, at=now)
    note(service, approvals=(*run.approvals, agreed))


def keep_warm(service: Service, now: datetime, seconds: int) -> None:
    """Record until when the old slot is kept, and since when the new one is live."""
    _, run = under_way(service)
    note(service, warm_until=now + timedelta(seconds=seconds), promoted=run.stage_began)


def under_way(service: Service) -> tuple[ServiceDelivery, Run]:
    """Return the record and its run; raise DeliveryError if no release is under way."""
    delivery = service.record()
    if delivery.run is None:
        raise DeliveryError(f"{service.name}: no release is under way")
    return delivery, delivery.run


def note(service: Service, **changes: object) -> Run:
    """Change fields of the run; leave the declared release as it is."""
    delivery, run = under_way(service)
    run = run.model_copy(update=changes)
    service.write(service.release(), delivery.model_copy(update={"run": run}))
    return run


@dataclass(frozen=True)
class Turned:
    """Why a release goes back."""

    outcome: str
    reason: str
    """One human-readable line."""
    blame: bool
    """Whether the version itself failed. It is then held, and evidence for it is revoked."""


def turn(service: Service, turned: Turned, now: datetime, *, image: str | None) -> None:
    """Declare the first stage of the way back. If the version is to blame, hold it and revoke evidence for it."""
    delivery, run = under_way(service)
    back = run.model_copy(
        update={
            "kind": "back", "left": service.release(), "outcome": turned.outcome, "reason": turned.reason,
            "image": image, "stage": 0, "reached": False, "stage_began": now, "warm_until": None, "windows": (),
        }
    )  # fmt: skip
    delivery = delivery.model_copy(update={"run": back})
    if turned.blame:
        delivery = _blamed(service, delivery, _built(run, image), turned.reason, now)
    service.write(course(service.spec, back)[0].release, delivery)


def blame(service: Service, reason: str, now: datetime, *, image: str | None) -> None:
    """Hold the version that a release on its way back leaves, whatever it went back for. The stage does not change."""
    delivery, run = under_way(service)
    back = run.model_copy(update={"outcome": "rolled back", "reason": reason, "image": image})
    delivery = _blamed(service, delivery.model_copy(update={"run": back}), _built(run, image), reason, now)
    service.write(service.release(), delivery)


def _built(run: Run, image: str | None) -> Run:
    """Return the run with the digest of the image that the stack built for it."""
    return run.model_copy(update={"image": image})


def _blamed(service: Service, delivery: ServiceDelivery, run: Run, reason: str, now: datetime) -> ServiceDelivery:
    if run.image is None:  # the image was never built
        return delivery
    version = service.version(run.target, run.image)
    delivery = holds.rolled_back(delivery, version, Note(reason, by=who(), at=now))
    return _with_verdict(service, delivery, run, now, failed=True)


def end(service: Service, now: datetime, *, image: str | None) -> None:
    """Close the run. A release in place records its verdict here, because it has no promotion stage."""
    (delivery, run), release = under_way(service), service.release()
    forward = run.kind == "forward"
    past = Past(
        id=run.id,
        image=image,
        config=service.config(run.target),
        content=run.target,
        outcome="promoted" if forward else (run.outcome or "aborted"),
        reason=run.reason,
        first=run.first,
        began=run.began,
        ended=now,
        promoted=run.promoted if forward else None,
        override=run.override,
    )
    if forward and run.candidate == run.stable.live:
        delivery = _with_verdict(service, delivery, _built(run, image), now)
    if forward:
        release = ServiceRelease(live=run.candidate, slots={run.candidate: _kept(service, run)})
    service.write(release, evidence.remember(delivery.model_copy(update={"run": None}), past))


def _kept(service: Service, run: Run) -> SlotRelease:
    """Return what a promoted slot declares: what was judged, or the working tree if the slot followed it before."""
    if run.follows:
        return SlotRelease(image=run.image, revision=TREE)
    own = service.revision(run.target).content
    if isinstance(service.spec.release, Rolling) and own.files is None:
        return own.model_copy(update={"image": run.image})
    return run.target
