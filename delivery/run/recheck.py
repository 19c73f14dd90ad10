"""Judges the live slot again: revokes verdicts that turned out wrong, and records verdicts that are missing."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from delivery.errors import DeliveryError, Refused
from delivery.formatting import documents
from delivery.judge.baseline_spans import undisturbed_since
from delivery.judge.gate import GateKeeper, Look
from delivery.judge.verdicts import NOBODY
from delivery.release import evidence
from delivery.release.service import Service
from models.delivery import Arm, CheckResult, Result, ServiceDelivery, Verdict, Version, age
from models.vocabulary import SlotName

_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Checked:
    """The result of checking one live slot."""

    service: str
    slot: str
    image: str
    config: str
    result: Result
    look: Look
    change: str
    """What the check changed in the record; empty = nothing."""

    def document(self) -> dict[str, Any]:
        """Return the machine-readable form."""
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
    """Judge the live slot's answers in the last ``window`` seconds, and update the record.

    Answers of the previous version in that time do not count. The gate is the gate of a release, with the same
    baseline: the one that the newest verdict about these bytes used, or the version's own answers if the version before
    it was worse by more than the margin. So a service that always answers 2 % of its requests with an error does not
    fail because of that later, and renewed verdicts do not drift. Without such a verdict, the slot is judged by itself.

    A failure revokes the verdicts about these bytes. A pass records a verdict if none counts or the current one is
    outdated. The next environment sees the change only after an update of the stack exports it.

    Raises:
        DeliveryError: a release is under way, nothing is deployed, or no metrics source is named or may be read.
    """
    release, delivery = service.release(), service.record()
    if delivery.run is not None and delivery.run.warm_until is None:
        raise DeliveryError(f"{service}: a release is under way and judges the service; check again after the release")
    content = service.live()
    if content is None or content.image is None:
        raise DeliveryError(f"{service}: never deployed; run pulumi up -s {service.stack.name}")
    image, config = content.image, service.config(content)
    since = max(now.timestamp() - window, _live_since(delivery, now))
    began = datetime.fromtimestamp(int(since), UTC)
    asked = keeper(service, release.live)
    before = _yardstick(delivery, Version(image, config), asked.margins)
    look = _looked(service, asked, since, now, window, before)
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


def _looked(  # noqa: PLR0913, PLR0917 -- what a look needs
    service: Service, asked: GateKeeper, since: float, now: datetime, window: float, before: Mapping[str, Arm]
) -> Look:
    """Look once at the past; a source that has no past is read until there is a verdict, or the window is over."""
    metrics = service.stack.required_metrics("a check")
    if metrics.remembers:
        return asked.look(since, now.timestamp(), before=before)
    with service.watching():
        if denied := metrics.forbidden():
            raise Refused(f"{service}: {denied}")
        began = metrics.now()
        while True:
            look = asked.look(began, metrics.now(), before=before)
            if look.result is not None or metrics.now() >= began + window:
                return look
            time.sleep(_POLL_SECONDS)


def keeper(service: Service, slot: SlotName) -> GateKeeper:
    """Return the gate of a slot that answers alone."""
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
    """Return, by criterion, the baseline of the newest verdict about a version; empty = judge the slot by itself."""
    compared = (
        {name: _expected(one, margins.get(name, 0.0)) for name, one in verdict.checks.items() if one.live is not None}
        for verdict in reversed(delivery.verdicts)
        if verdict.covers(version)
    )
    return next(filter(None, compared), dict[str, Arm]())


def _expected(check: CheckResult, margin: float) -> Arm:
    """Return the live slot's counts in a verdict, or the candidate's own if the live slot was worse by over ``margin``.

    Otherwise, a version that replaced a broken one would pass every later check, however broken it becomes.
    """
    live, own = check.live or NOBODY, check.candidate or NOBODY
    worse = own.total and live.total and live.bad / live.total - own.bad / own.total > margin / 100
    return own if worse else live


def _counting(delivery: ServiceDelivery, version: Version) -> Verdict | None:
    """Return the verdict that lets the next environment run these bytes, if it still counts."""
    standing = delivery.verdict_on(version)
    return standing if standing and standing.counts else None


def _live_since(delivery: ServiceDelivery, now: datetime) -> float:
    """Return the Unix time since which only the live version has answered."""
    if delivery.run is not None and delivery.run.promoted is not None:  # its old slot is kept warm
        return delivery.run.promoted.timestamp()
    return undisturbed_since(delivery.history, now)
