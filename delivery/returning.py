"""The way back to a version that was promoted before, when nothing of it is left in the cluster."""

from delivery import driver, holds, records
from delivery.errors import DeliveryError
from delivery.events import Listener
from delivery.people import who
from delivery.session import Session
from models.release import SlotRelease


def version_before(session: Session, service: str) -> SlotRelease:
    """Give what the release before the last one promoted; raises DeliveryError if the record knows none."""
    image, config, revision = _live(session, service)
    promoted = [past for past in session.delivery(service).history if past.outcome == "promoted" and past.image]
    for past in reversed(promoted):
        known = past.content.pinned and revision
        same = (past.image, past.config) == (image, config) and (not known or past.content.pinned == revision)
        if not same:
            return past.content.settled.model_copy(update={"image": past.image})
    raise DeliveryError(
        f"{session.stack} {service}: the record knows no version before this one; release it by its digest: "
        f"slipway release {session.stack} {service} --image …"
    )


def begin(session: Session, service: str, back: SlotRelease, listen: Listener, reason: str) -> None:
    """Begin the release back, all at once and unjudged, and hold what is left.

    The hold is written after the release has begun: one that is refused leaves the file as it was.
    """
    image, config, revision = _live(session, service)
    driver.begin(session, service, records.new_run(session, service, back, driver.now(), express=True), listen)
    if image is not None:
        delivery = session.delivery(service)
        held = holds.rolled_back(delivery, image, config, revision=revision, reason=reason, by=who(), now=driver.now())
        session.write(service, session.release(service), held)


def _live(session: Session, service: str) -> tuple[str | None, str, str | None]:
    """Name the version that is live: of an image that this stack built, the digest of the last update."""
    content = session.live(service) or SlotRelease()
    return content.image, session.config(service, content), content.pinned
