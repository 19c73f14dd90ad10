"""The way back to a version that was promoted before, when nothing of it is left in the cluster."""

from delivery.errors import DeliveryError
from delivery.events import Listener
from delivery.lock.actor import who
from delivery.release import holds, records
from delivery.release.stack import Session
from delivery.run import driver
from models.delivery import ServiceDelivery
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
    """Begin the release back, all at once and unjudged, and hold what is left, in one write of the record."""
    version = _live(session, service)
    run = records.new_run(session, service, back, driver.now(), express=True)
    driver.begin(session, service, run, listen, _holding(*version, reason))


def turn_back(session: Session, service: str, reason: str) -> None:
    """Have the release that is under way go back, and hold the version that it leaves, in whichever direction it goes.

    Raises:
        Refused: the way back has been gone to its end, and what was before it is held.
    """
    delivery = session.delivery(service)
    run = delivery.run
    if run is None or run.kind == "back" or not run.express:
        driver.turn_back(session, service, "rolled back", reason, blame=True)
        return
    left = run.stable.slots[run.stable.live]
    image, config = left.image or session.image(service, run.stable.live), session.config(service, left)
    if run.warm_until is not None:
        if image is not None:
            holds.refuse_held(delivery, image, config, revision=left.pinned, stack=session.stack, service=service)
        driver.turn_back(session, service, "rolled back", reason, blame=True)
    elif (
        image is not None and delivery.holding(image, config, left.pinned) is None
    ):  # it goes on; an older program may not have held
        session.write(service, session.release(service), _holding(image, config, left.pinned, reason)(delivery))


def _holding(image: str | None, config: str, revision: str | None, reason: str) -> records.Holding:
    """Give what holds the version that is left; nothing where it was never built."""

    def hold(delivery: ServiceDelivery) -> ServiceDelivery:
        if image is None:
            return delivery
        return holds.rolled_back(delivery, image, config, revision=revision, reason=reason, by=who(), now=driver.now())

    return hold


def _live(session: Session, service: str) -> tuple[str | None, str, str | None]:
    """Name the version that is live: of an image that this stack built, the digest of the last update."""
    content = session.live(service) or SlotRelease()
    return content.image, session.config(service, content), content.pinned
