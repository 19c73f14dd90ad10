"""Judges what is live again: evidence that turned out wrong is taken back, and evidence that is missing is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from delivery.errors import DeliveryError
from delivery.formatting import documents
from delivery.judge.baseline_spans import undisturbed_since
from delivery.judge.gate import NOBODY, GateKeeper, Look
from delivery.release import evidence
from delivery.release.service import Service
from models.delivery import Arm, CheckResult, Result, ServiceDelivery, Verdict, Version, age
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
        """Return it for a program."""
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


def check(service: Service, window: float, now: datetime) -> Checked:
    """Judge what users got from the live slot in the last ``window`` seconds, and write what follows from it.

    What the version before answered in that time does not count. The gate is that of a release, and its yardstick too:
    what the newest verdict about these bytes compared them with, or what they answered themselves where the version
    before them was worse by more than the margin. So a service that always answers 2 % of its requests
    with an error is not condemned for it later, and a verdict that is renewed does not drift. Where there is none, the
    slot is judged by itself.

    A failure revokes the verdicts about these bytes. A pass makes a verdict where none counts. Neither is read by the
    next environment before an update of the stack exports it.

    Raises:
        DeliveryError: a release is under way, nothing is deployed, or no Prometheus is named.
    """
    release, delivery = service.release(), service.record()
    if delivery.run is not None and delivery.run.warm_until is None:
        raise DeliveryError(f"{service}: a release is under way, which judges it; check again after it")
    content = service.live()
    if content is None or content.image is None:
        raise DeliveryError(f"{service}: never deployed; pulumi up -s {service.stack.name}")
    image, config = content.image, service.config(content)
    since = max(now.timestamp() - window, _live_since(delivery, now))
    began = datetime.fromtimestamp(int(since), UTC)
    asked = keeper(service, release.live)
    before = _yardstick(delivery, Version(image, config), asked.margins)
    look = asked.look(since, now.timestamp(), before=before)
    if not look.checks and look.result == "pass":
        look = replace(look, result=None, said="nothing is judged: release.gate of the entry names no criterion")
    result: Result = look.result or "inconclusive"
    spec = service.spec
    verdict = service.verdict(content, image, result=result, checks=look.checks, began=began, ended=now)
    fresh, change = _recorded(delivery, verdict, spec.release.fresh, look.said)
    if change:
        service.write(release, fresh)
    return Checked(
        service=service.name, slot=release.live, image=image, config=config, result=result, look=look, change=change
    )


def keeper(service: Service, slot: SlotName) -> GateKeeper:
    """Return the gate of a slot beside which none answers."""
    spec, metrics = service.spec, service.stack.required_metrics("a check")

    def told() -> dict[str, Any]:
        return {"stack": service.stack.name, "service": service.name, "stage": "check", "weight": 100}

    return GateKeeper(
        spec.release.gate,
        metrics,
        service.target({"candidate": slot}),
        notify=told,
    )


def _recorded(delivery: ServiceDelivery, verdict: Verdict, fresh: int, said: str) -> tuple[ServiceDelivery, str]:
    """Return the record after a check, and what changed."""
    version = verdict.version
    standing = _counting(delivery, version)
    if verdict.result == "fail" and standing is not None:
        left = evidence.revoke(delivery, version, said, verdict.ended)
        return left, "verdict revoked"
    same = standing is not None and standing.checks and standing.revision == verdict.revision
    stale = standing is None or not same or age(standing.ended, verdict.ended) > fresh
    if verdict.result == "pass" and stale and delivery.holding(version) is None:
        return evidence.record(delivery, verdict, kept=[(verdict.image, verdict.config)]), "verdict recorded"
    return delivery, ""


def _yardstick(delivery: ServiceDelivery, version: Version, margins: Mapping[str, float]) -> dict[str, Arm]:
    """Return by criterion what the newest verdict about a version compared it with; nothing = judged by itself."""
    compared = (
        {name: _expected(one, margins.get(name, 0.0)) for name, one in verdict.checks.items() if one.live is not None}
        for verdict in reversed(delivery.verdicts)
        if verdict.covers(version)
    )
    return next(filter(None, compared), dict[str, Arm]())


def _expected(check: CheckResult, margin: float) -> Arm:
    """Return the live slot's requests of a verdict, or the candidate's own where the live slot was much worse.

    A version that replaced a broken one would otherwise pass every later check, however broken it becomes.
    """
    live, own = check.live or NOBODY, check.candidate or NOBODY
    worse = own.total and live.total and live.bad / live.total - own.bad / own.total > margin / 100
    return own if worse else live


def _counting(delivery: ServiceDelivery, version: Version) -> Verdict | None:
    """Return the verdict that lets the next environment run these bytes, if it is still so."""
    standing = delivery.verdict_on(version)
    return standing if standing and standing.counts else None


def _live_since(delivery: ServiceDelivery, now: datetime) -> float:
    """Return the unix time since which users got what is live, and nothing else."""
    if delivery.run is not None and delivery.run.promoted is not None:  # its old slot is kept warm
        return delivery.run.promoted.timestamp()
    return undisturbed_since(delivery.history, now)
