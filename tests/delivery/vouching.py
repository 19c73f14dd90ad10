"""Verdicts, holds and what a stack exports of them, as values to test with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from models.delivery import Held, Past, Revocation, Run, ServiceDelivery, Verdict, fingerprint
from models.entry import CatalogueEntry
from models.evidence import Evidence, Wanted, inherited
from models.release import ServiceRelease, SlotRelease
from tests.samples import IMAGE, OTHER_IMAGE, accepted, entry, service

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PLAIN = SlotRelease()
CONFIG = fingerprint(PLAIN)
CATALOGUE = entry(
    services={name: service() for name in ("classifier", "web")}, environments={"dev": {}, "staging": {}, "prod": {}}
)
ENTRY = accepted(CatalogueEntry, CATALOGUE)
JUDGED = ENTRY.service_in("staging", "classifier")
TUNED = SlotRelease.model_validate({"server": {"topK": 5}})


def image(number: int) -> str:
    """Return one of many images, by digest."""
    return f"registry.example.com/ml/classifier/server@sha256:{number:064x}"


def verdict(of: str = OTHER_IMAGE, content: SlotRelease = PLAIN, **changes: Any) -> Verdict:
    """A verdict that passed at noon."""
    return Verdict.model_validate(
        {
            "image": of,
            "config": fingerprint(content),
            "content": content.model_copy(update={"image": of}),
            "inherited": inherited(JUDGED, content),
            "environment": "staging",
            "stack": "staging",
            "result": "pass",
            "checks": {"errors": {"result": "pass", "said": "errors 0 % against 0 %, limit +1"}},
            "began": NOON - HOUR,
            "ended": NOON,
            **changes,
        }
    )


def wanted(of: str = OTHER_IMAGE, content: SlotRelease = PLAIN, entry: CatalogueEntry = ENTRY) -> Wanted:
    """What prod would run."""
    runs = entry.service_in("prod", "classifier").of_slot
    return Wanted(image=of, config=fingerprint(content), environment="prod", runs=runs)


def revoked(**changes: Any) -> Verdict:
    """A verdict that was taken back."""
    return verdict(revoked=Revocation(reason="slow on Monday", at=NOON + HOUR), **changes)


def held(of: str = OTHER_IMAGE, config: str | None = CONFIG) -> Held:
    """A hold."""
    return Held(image=of, config=config, reason="5 % errors", by="ann", at=NOON)


def past(of: str, outcome: str = "promoted", content: SlotRelease = PLAIN) -> Past:
    """A release that has ended."""
    return Past.model_validate(
        {
            "id": of[-4:],
            "image": of,
            "config": fingerprint(content),
            "content": content,
            "outcome": outcome,
            "began": NOON - HOUR,
            "ended": NOON,
        }
    )


def run(content: SlotRelease = PLAIN, **changes: Any) -> Run:
    """A release that is on its way."""
    return Run.model_validate(
        {
            "id": "20260102-120000-beef",
            "candidate": "green",
            "stable": ServiceRelease(slots={"blue": SlotRelease(image=IMAGE)}),
            "target": content,
            "pods": 1,
            "began": NOON - HOUR,
            "stage_began": NOON - HOUR,
            **changes,
        }
    )


def evidence(*verdicts: Verdict, live: str = OTHER_IMAGE, content: SlotRelease = PLAIN, **changes: Any) -> Evidence:
    """What staging exports about a service, with an image live."""
    runs = {"image": live, "config": fingerprint(content), "content": content}
    return Evidence.model_validate(
        {
            "system": "classifier",
            "environment": "staging",
            "stack": "staging",
            "service": "classifier",
            "live": runs,
            "slots": {"blue": runs},
            "soak": 0,
            "fresh": 7 * 86_400,
            "verdicts": verdicts,
            **changes,
        }
    )


def exported(found: Evidence) -> dict[str, Any]:
    """Return the outputs of its stack."""
    return {"delivery": {found.service: found.model_dump(mode="json", by_alias=True, exclude_none=True)}}


def recorded(*verdicts: Verdict, **changes: Any) -> ServiceDelivery:
    """A stack's own record."""
    return ServiceDelivery(verdicts=verdicts, **changes)
