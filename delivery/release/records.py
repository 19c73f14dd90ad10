"""Changes to the record of a service's releases: each function makes one atomic write of the stack file.

A write contains the record and the declared release and precedes the action, so a kill cannot separate them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.errors import DeliveryError
from delivery.lock.actor import who
from delivery.plan.stages import Stage, course
from delivery.release import evidence, holds
from delivery.release.service import Service
from delivery.release.size_limit import refuse_oversized
from models.delivery import Approval, Note, Past, Run, ServiceDelivery
from models.release import TREE, ServiceRelease, SlotRelease
from models.strategy import Rolling

Holding = Callable[[ServiceDelivery], ServiceDelivery]
"""A function that adds holds to a record."""


def open_run(service: Service, run: Run, held: Holding | None = None) -> None:
    """Write a new run and declare its first stage."""
    first, delivery = course(service.spec, run)[0].release, service.record()
    delivery = (held(delivery) if held else delivery).model_copy(update={"run": run})
    refuse_oversized(service, first, delivery)
    service.write(first, delivery)


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
            f"{service.stack.name}: the outputs have no digest for the image that the stack built; run pulumi up"
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
        raise DeliveryError(f"{service}: no release is under way; to see past releases: slipway history {service}")
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
