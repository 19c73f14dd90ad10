"""How the record of a service's releases changes: each function is one atomic write of the stack file.

The record and what it declares are written together, before the act, so that no kill can come between them.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import uuid4

from delivery import evidence, holds
from delivery.errors import DeliveryError, Unchanged
from delivery.gate import faults as gate_faults
from delivery.people import who
from delivery.session import Session
from delivery.sources import refuse_unvouched
from models.delivery import Approval, Arm, CheckResult, Override, Past, Result, Run, ServiceDelivery
from models.release import TREE, ServiceRelease, SlotRelease
from models.strategy import Rolling
from models.vocabulary import OTHER_SLOT
from planning.course import Stage, course, course_faults

MOST_BYTES = 100 * 1024
"""Of a stack's configuration: the engine passes it in one environment variable of 128 KiB, with what others set."""


def new_run(  # noqa: PLR0913 -- what a release may be asked to be
    session: Session,
    service: str,
    target: SlotRelease,
    now: datetime,
    *,
    manual: bool = False,
    express: bool = False,
    override: Override | None = None,
) -> Run:
    """Put together the run that would carry this out; writes nothing.

    Raises:
        Refused: the bytes are held, or the stack before has not vouched for them.
        Unchanged: they are live already.
        DeliveryError: the service's strategy cannot be carried out here.
    """
    spec, declared = session.service_spec(service), session.declared(service)
    live = session.live(service) if declared is not None else None
    target = session.pinned(service, target)
    stable = _stable(session, service, live, target)
    if target.image is not None:
        record, config = session.delivery(service), session.config(service, target)
        at = {"stack": session.stack, "service": service}
        holds.refuse_held(record, target.image, config, revision=target.pinned, **at)
        if live is not None and stable.slots[stable.live] == target:
            raise Unchanged(f"{session.stack}: {service} runs exactly this in its live slot; nothing to release")
    if not express and override is None:
        refuse_unvouched(session, service, target, now)
    in_place = live is None or (isinstance(spec.release, Rolling) and not express)
    run = Run(
        id=f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}",
        candidate=stable.live if in_place else OTHER_SLOT[stable.live],
        stable=stable,
        target=target,
        image=target.image,
        follows=_follows(session, service),
        pods=session.ready(service, stable.live) if live is not None else 0,
        began=now,
        stage_began=now,
        manual=manual,
        express=express,
        override=override,
    )
    if faults := [*course_faults(spec), *gate_faults(spec.release.gate)]:
        raise DeliveryError(f"{service}: {'; '.join(faults)}")
    if any(stage.gate for stage in course(spec, run)):
        session.required_metrics(f"the gate of {service}")
    return run


def open_run(session: Session, service: str, run: Run) -> None:
    """Write a new run and declare its first stage."""
    first = course(session.service_spec(service), run)[0].release
    delivery = session.delivery(service).model_copy(update={"run": run})
    _refuse_oversized(session, service, first, delivery)
    session.write(service, first, delivery)


def _refuse_oversized(session: Session, service: str, release: ServiceRelease, delivery: ServiceDelivery) -> None:
    """Refuse what the engine could not hand over; only here, for a release under way must always get to its end."""
    values = session.file.values()
    for key, model in (("release", release), ("delivery", delivery)):
        block = cast("dict[str, object]", values.get(key) or {})
        values[key] = {**block, service: model.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
    size = sum(len(json.dumps(value)) for value in values.values())
    if size > MOST_BYTES:
        most = max(values, key=lambda key: len(json.dumps(values[key])))
        raise DeliveryError(
            f"{session.stack}: its configuration would hold {size // 1024} KiB, most of it in slipway:{most}; Pulumi "
            f"hands over 128 KiB, so it stops at {MOST_BYTES // 1024}; release large files with `slipway release "
            f"{session.stack} {service} --files DIR`, which keeps them in files of their own"
        )


def _follows(session: Session, service: str) -> bool:
    """Whether the live slot follows the tree, or did before the release that this one supersedes."""
    run, declared = session.delivery(service).run, session.release(service)
    return run.follows if run is not None else declared.slots[declared.live].revision == TREE


def _stable(session: Session, service: str, live: SlotRelease | None, target: SlotRelease) -> ServiceRelease:
    if live is None:  # the first deployment of this environment
        return ServiceRelease(slots={"blue": target})
    run, declared = session.delivery(service).run, session.release(service)
    if run is not None and run.kind == "forward" and run.warm_until is None:  # about to be superseded
        return run.stable
    if declared.canary is not None and declared.weight:
        raise DeliveryError(
            f"{service}: slot {declared.canary} answers {declared.weight} % without a release under way; "
            f"set its weight to 0 in {session.file.path.name}, or drop the slot"
        )
    return ServiceRelease(live=declared.live, slots={declared.live: live})


def advance(  # noqa: PLR0913 -- one write says all of this
    session: Session, service: str, run: Run, stages: tuple[Stage, ...], now: datetime, *, image: str | None
) -> None:
    """Declare the next stage; before a promotion, with the evidence for it."""
    following = stages[run.stage + 1]
    update = {"stage": run.stage + 1, "stage_began": now, "reached": False, "warm_until": None}
    delivery = session.delivery(service)
    fresh = (delivery.run or run).model_copy(update=update)
    delivery = delivery.model_copy(update={"run": fresh})
    if following.name == "promote" and run.kind == "forward" and not run.express:
        delivery = _with_verdict(session, service, delivery, fresh, image, "pass", now)
    session.write(service, following.release, delivery)


def _with_verdict(  # noqa: PLR0913, PLR0917 -- a verdict names everything that it speaks of
    session: Session,
    service: str,
    delivery: ServiceDelivery,
    run: Run,
    image: str | None,
    result: Result,
    now: datetime,
) -> ServiceDelivery:
    """Add the evidence about a run's target.

    Raises:
        DeliveryError: its image has no digest yet.
    """
    if image is None:
        raise DeliveryError(f"{session.stack}: the image that it built has no digest in its outputs; run pulumi up")
    old = run.stable.slots[run.stable.live]
    found = evidence.verdict(
        run.target,
        image=image,
        config=session.config(service, run.target),
        environment=session.environment,
        stack=session.stack,
        result=result,
        checks=run.checks,
        began=run.began,
        ended=now,
        override=run.override,
    )
    return evidence.record(delivery, found, kept=[(old.image, session.config(service, old))] if old.image else [])


def reached(session: Session, service: str, moved: datetime) -> None:
    """Note that the stage was carried out and seen; an image that it built is the release's from now on."""
    _note(session, service, reached=True, stage_began=moved)
    run, release = _under_way(session, service)[1], session.release(service)
    built = run.kind == "forward" and run.target.image is None and run.candidate != run.stable.live
    if built and (image := session.image(service, run.candidate)) is not None:
        target = run.target.model_copy(update={"image": image})
        slots = {**release.slots, run.candidate: release.slots[run.candidate].model_copy(update={"image": image})}
        delivery = session.delivery(service).model_copy(update={"run": run.model_copy(update={"target": target})})
        session.write(service, release.model_copy(update={"slots": slots}), delivery)


def note_checks(session: Session, service: str, checks: Mapping[str, CheckResult], *, passed: bool) -> None:
    """Keep the numbers of the last gate; of one that passed also the live slot's, which at 100 % will have none."""
    _, run = _under_way(session, service)
    baseline = dict(run.baseline)
    for name, check in checks.items() if passed else ():
        if check.live is not None and check.live.total:
            before = baseline.get(name)
            baseline[name] = before.plus(check.live) if before else check.live
    _note(session, service, checks=dict(checks), baseline=baseline)


def note_baseline(session: Session, service: str, baseline: Mapping[str, Arm]) -> Run:
    """Keep what the live slot showed before the switch; give the run with it."""
    return _note(session, service, baseline=dict(baseline))


def approve(session: Session, service: str, *, reason: str, by: str, now: datetime) -> None:
    """Note that somebody agrees to the stage; raises DeliveryError if nothing waits."""
    run = session.delivery(service).run
    if run is None or run.kind == "back":
        raise DeliveryError(f"{service}: no release waits for approval in {session.stack}")
    agreed = Approval(stage=run.stage, reason=reason, by=by, at=now)
    _note(session, service, approvals=(*run.approvals, agreed))


def keep_warm(session: Session, service: str, now: datetime, seconds: int) -> None:
    """Note until when the old slot stays."""
    _note(session, service, warm_until=now + timedelta(seconds=seconds))


def _under_way(session: Session, service: str) -> tuple[ServiceDelivery, Run]:
    delivery = session.delivery(service)
    if delivery.run is None:
        raise DeliveryError(f"{service}: no release is under way")
    return delivery, delivery.run


def _note(session: Session, service: str, **changes: object) -> Run:
    delivery, run = _under_way(session, service)
    run = run.model_copy(update=changes)
    session.write(service, session.release(service), delivery.model_copy(update={"run": run}))
    return run


def turn(  # noqa: PLR0913 -- one write says all of this
    session: Session, service: str, ending: str, reason: str, now: datetime, *, image: str | None, blame: bool
) -> None:
    """Declare the first stage of the way back; a version that is to blame is held, and evidence for it revoked."""
    delivery, run = _under_way(session, service)
    back = run.model_copy(
        update={
            "kind": "back", "left": session.release(service), "outcome": ending, "reason": reason,
            "stage": 0, "reached": False, "stage_began": now, "warm_until": None,
        }
    )  # fmt: skip
    delivery = delivery.model_copy(update={"run": back})
    if blame and image:
        config, revision = session.config(service, run.target), run.target.pinned
        delivery = holds.rolled_back(delivery, image, config, revision=revision, reason=reason, by=who(), now=now)
        delivery = _with_verdict(session, service, delivery, run, image, "fail", now)
    session.write(service, course(session.service_spec(service), back)[0].release, delivery)


def end(session: Session, service: str, now: datetime, *, image: str | None) -> None:
    """Close the run; one in place brings its evidence with it."""
    (delivery, run), release = _under_way(session, service), session.release(service)
    forward = run.kind == "forward"
    past = Past(
        id=run.id,
        image=image,
        config=session.config(service, run.target),
        content=run.target,
        outcome="promoted" if forward else (run.outcome or "aborted"),
        reason=run.reason,
        began=run.began,
        ended=now,
        override=run.override,
    )
    if forward and run.candidate == run.stable.live:
        delivery = _with_verdict(session, service, delivery, run, image, "pass", now)
    if forward:
        release = ServiceRelease(live=run.candidate, slots={run.candidate: _kept(session, service, run)})
    session.write(service, release, evidence.remember(delivery.model_copy(update={"run": None}), past))


def _kept(session: Session, service: str, run: Run) -> SlotRelease:
    """Give what the slot of a release that was promoted declares: what it was judged with, or again the tree."""
    if run.follows:
        return SlotRelease(image=run.image, revision=TREE)
    own = session.revision(service, run.target).content
    if isinstance(session.service_spec(service).release, Rolling) and own.files is None:
        return own.model_copy(update={"image": run.image})
    return run.target
