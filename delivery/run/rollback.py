"""Rollback: turn back the release under way, or release the version that was promoted before the live one."""

from delivery.errors import DeliveryError
from delivery.events import Listener
from delivery.lock.actor import who
from delivery.release import holds, records
from delivery.release.new_run import new_run
from delivery.release.service import Service
from delivery.run import driver
from models.delivery import Note, ServiceDelivery, Version
from models.release import SlotRelease


def version_before(service: Service) -> SlotRelease:
    """Return the version that was promoted before the live one; raise DeliveryError if the record has none."""
    image, config, revision = _live(service)
    promoted = [past for past in service.record().history if past.outcome == "promoted" and past.image]
    for past in reversed(promoted):
        known = past.content.pinned and revision
        same = (past.image, past.config) == (image, config) and (not known or past.content.pinned == revision)
        if not same:
            return past.content.settled.model_copy(update={"image": past.image})
    raise DeliveryError(
        f"{service}: the record has no version before this one; release a version by its digest: "
        f"slipway release {service} --image …"
    )


def begin(service: Service, back: SlotRelease, listen: Listener, reason: str) -> None:
    """Begin an express release of an earlier version and hold the version that it leaves, in one write."""
    version = _live(service)
    run = new_run(service, back, driver.now(), express=True)
    driver.begin(service, run, listen, _holding(*version, reason))


def turn_back(service: Service, reason: str) -> None:
    """Turn back the release under way, and hold the version that the rollback leaves.

    An express release is a rollback already: until it is promoted it continues, and only the hold is added.

    Raises:
        Refused: the express release is promoted, and the version before it is held.
    """
    delivery = service.record()
    run = delivery.run
    if run is None or run.kind == "back" or not run.express:
        driver.turn_back(service, "rolled back", reason, blame=True)
        return
    left = run.stable.slots[run.stable.live]
    image, config = left.image or service.image(run.stable.live), service.config(left)
    if run.warm_until is not None:
        if image is not None:
            holds.refuse_held(delivery, Version(image, config, left.pinned), **service.named)
        driver.turn_back(service, "rolled back", reason, blame=True)
    elif (
        image is not None and delivery.holding(Version(image, config, left.pinned)) is None
    ):  # the rollback continues; an older program may not have added the hold
        service.write(service.release(), _holding(image, config, left.pinned, reason)(delivery))


def _holding(image: str | None, config: str, revision: str | None, reason: str) -> records.Holding:
    """Return a function that holds the version to leave; it does nothing if the version was never built."""

    def hold(delivery: ServiceDelivery) -> ServiceDelivery:
        if image is None:
            return delivery
        note = Note(reason, by=who(), at=driver.now())
        return holds.rolled_back(delivery, Version(image, config, revision), note)

    return hold


def _live(service: Service) -> tuple[str | None, str, str | None]:
    """Return the live version: image, configuration and revision. For a built image, the last update has the digest."""
    content = service.live() or SlotRelease()
    return content.image, service.config(content), content.pinned
