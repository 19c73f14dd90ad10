"""Judges what is live again: evidence that turned out wrong is taken back, and evidence that is missing is made."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from delivery import evidence
from delivery.errors import DeliveryError
from delivery.gate import GateKeeper, Look
from delivery.journal import documents
from delivery.session import Session
from models.delivery import Result, ServiceDelivery, Verdict, age
from models.vocabulary import SlotName


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found out about one live slot."""

    service: str
    slot: str
    image: str
    config: str
    result: Result
    look: Look
    change: str
    """What it did to the record; empty = nothing."""

    def document(self) -> dict[str, Any]:
        """Give it for a program."""
        checks = documents(self.look.checks)
        return {
            "slot": self.slot,
            "image": self.image,
            "config": self.config,
            "result": self.result,
            "said": self.look.said,
            "samples": self.look.samples,
            "wanted": self.look.wanted,
            "checks": checks,
            "change": self.change or None,
        }


def check(session: Session, service: str, window: float, now: datetime) -> Checked:
    """Judge the live slot's last ``window`` seconds by itself, and write what follows from it into the record.

    A failure revokes the verdicts about these bytes. A pass makes a verdict where none counts. Neither is read by the
    next environment before an update of the stack exports it.

    Raises:
        DeliveryError: a release is under way, nothing is deployed, or no Prometheus is named.
    """
    release, delivery = session.release(service), session.delivery(service)
    if delivery.run is not None and delivery.run.warm_until is None:
        raise DeliveryError(f"{session.stack} {service}: a release is under way, which judges it; check again after it")
    content = session.live(service)
    if content is None or content.image is None:
        raise DeliveryError(f"{session.stack} {service}: never deployed; pulumi up -s {session.stack}")
    image, config = content.image, session.config(service, content)
    began = datetime.fromtimestamp(now.timestamp() - window, UTC).replace(microsecond=0)
    look = keeper(session, service, release.live).look(began.timestamp(), now.timestamp(), compared=False)
    result: Result = look.result or "inconclusive"
    spec = session.service_spec(service)
    verdict = evidence.verdict(
        content,
        image=image,
        config=config,
        environment=session.environment,
        stack=session.stack,
        result=result,
        checks=look.checks,
        began=began,
        ended=now,
    )
    fresh, change = _recorded(delivery, verdict, spec.release.fresh, look.said)
    if change:
        session.write(service, release, fresh)
    return Checked(
        service=service, slot=release.live, image=image, config=config, result=result, look=look, change=change
    )


def keeper(session: Session, service: str, slot: SlotName) -> GateKeeper:
    """Give the gate of a slot that is judged by itself."""
    spec, metrics = session.service_spec(service), session.required_metrics("a check")

    def told() -> dict[str, Any]:
        return {"stack": session.stack, "service": service, "stage": "check", "weight": 100}

    return GateKeeper(
        spec.release.gate,
        metrics,
        session.target(service, {"candidate": slot}),
        strategy=spec.release.strategy,
        notify=told,
    )


def _recorded(delivery: ServiceDelivery, verdict: Verdict, fresh: int, said: str) -> tuple[ServiceDelivery, str]:
    """Give the record after a check, and what changed."""
    version = (verdict.image, verdict.config, verdict.revision)
    standing = delivery.verdict_on(*version)
    counts = standing is not None and standing.result == "pass" and standing.revoked is None
    if verdict.result == "fail" and counts:
        left = evidence.revoke(delivery, *version[:2], said, verdict.ended, revision=verdict.revision)
        return left, "verdict revoked"
    same = counts and standing is not None and standing.revision == verdict.revision
    stale = standing is None or not same or age(standing.ended, verdict.ended) > fresh
    if verdict.result == "pass" and stale and delivery.holding(*version) is None:
        return evidence.record(delivery, verdict, kept=[(verdict.image, verdict.config)]), "verdict recorded"
    return delivery, ""
