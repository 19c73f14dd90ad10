"""Verdicts: recorded from the results of a release, limited in number, and revoked if later results contradict them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from delivery.errors import Refused
from models.delivery import (
    CheckResult,
    Finding,
    Past,
    PastVerdicts,
    Revocation,
    ServiceDelivery,
    Verdict,
    Version,
)
from models.entry import CatalogueEntry
from models.evidence import Evidence, NotVouchedError, Wanted, evidence_of
from models.evidence import vouched as judged
from models.release import SlotRelease

Bytes = tuple[str, str]
"""An image digest and the fingerprint of its configuration."""


def read(outputs: Mapping[str, Any], stack: str, service: str) -> Evidence:
    """Return the evidence that a stack exports about a service.

    Raises:
        Refused: the stack exports none, or another version of the program wrote it in a format that cannot be read.
    """
    try:
        found = evidence_of(outputs, service)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise Refused(
            f"{stack}: output delivery.{service} cannot be read ({where}: {fault['msg']}), because another version of "
            f"the program wrote it; run pulumi up -s {stack}"
        ) from None
    if found is None:
        raise Refused(
            f"{stack}: has no evidence about {service}, which was never deployed there with this program; "
            f"run pulumi up -s {stack}, then slipway check {stack} {service}"
        )
    return found


def vouched(evidence: Evidence, wanted: Wanted, entry: CatalogueEntry, now: datetime) -> Verdict:
    """Return the verdict that lets the next stack run these bytes; raise Refused with the rule that forbids it."""
    try:
        return judged(evidence, wanted, entry, now)
    except NotVouchedError as error:
        raise Refused(str(error)) from None


def result_of(checks: Mapping[str, CheckResult]) -> Finding:
    """Return the combined result of checks: pass only if all of them pass, and unjudged if there are none."""
    results = {check.result for check in checks.values()}
    if not results:
        return "unjudged"
    return "fail" if "fail" in results else "inconclusive" if "inconclusive" in results else "pass"


def record(delivery: ServiceDelivery, new: Verdict, kept: Collection[Bytes] = ()) -> ServiceDelivery:
    """Add a verdict, and drop the oldest ones if there are too many.

    Args:
        delivery: The record so far.
        new: The verdict.
        kept: Bytes that are live or that a release would go back to. The newest verdict about each of them, and about
            each of the versions promoted last, is kept regardless of its age.
    """
    needed = {*kept, *promoted_last(delivery), (new.image, new.config)}
    verdicts = [*delivery.verdicts, new]
    newest = {(v.image, v.config): place for place, v in enumerate(verdicts)}
    spare = [p for p, v in enumerate(verdicts) if (v.image, v.config) not in needed or newest[v.image, v.config] != p]
    dropped = set(spare[: max(0, len(verdicts) - PastVerdicts)])
    left = tuple(v for place, v in enumerate(verdicts) if place not in dropped)
    return delivery.model_copy(update={"verdicts": left})


def remember(delivery: ServiceDelivery, past: Past) -> ServiceDelivery:
    """Add a release that has ended, and drop the oldest releases, but never those that a rollback would return to."""
    history = [*delivery.history, past]
    promoted = [place for place, one in enumerate(history) if one.outcome == "promoted"]
    spare = [place for place in range(len(history)) if place not in promoted[-2:]]
    dropped = set(spare[: max(0, len(history) - PastVerdicts)])
    kept = ((place, one) for place, one in enumerate(history) if place not in dropped)
    left = tuple(one if place in promoted[-2:] else _by_name(one) for place, one in kept)
    return delivery.model_copy(update={"history": left})


def _by_name(past: Past) -> Past:
    """Drop files that an older version of the program wrote into the record; no rollback returns to this release."""
    named = SlotRelease(image=past.content.image, revision=past.content.revision)
    return past.model_copy(update={"content": named})


def promoted_last(delivery: ServiceDelivery) -> list[Bytes]:
    """Return the live version and the one before it, if releases promoted them."""
    promoted = (past for past in reversed(delivery.history) if past.outcome == "promoted" and past.image)
    return list(dict.fromkeys((str(past.image), past.config) for past in promoted))[:2]


def revoke(delivery: ServiceDelivery, version: Version, reason: str, now: datetime) -> ServiceDelivery:
    """Revoke every verdict about these bytes: a check that failed later, or a rollback, outweighs them."""
    mark = {"revoked": Revocation(reason=reason, at=now)}
    verdicts = (v.model_copy(update=mark) if v.covers(version) and v.revoked is None else v for v in delivery.verdicts)
    return delivery.model_copy(update={"verdicts": tuple(verdicts)})
