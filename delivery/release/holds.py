"""Holds: bytes that were rolled back do not come back until a person lets them."""

from datetime import datetime

from delivery.errors import Refused
from delivery.release.evidence import revoke
from models.delivery import Held, ServiceDelivery
from models.evidence import short, shown


def refuse_held(  # noqa: PLR0913 -- what, and where
    record: ServiceDelivery, image: str, config: str, *, stack: str, service: str, revision: str | None = None
) -> None:
    """Raise Refused if these bytes are held in this stack.

    An override does not help: it goes past missing evidence, and a hold *is* evidence.
    """
    if held := record.holding(image, config, revision):
        raise Refused(
            f"{stack}: {service} {short(image)} is held: {held.reason} "
            f"({held.by}, {shown(held.at)}); release another version, or let it go by hand: "
            f"slipway release-hold {stack} {service} {image}"
        )


def hold(  # noqa: PLR0913 -- a hold says who, when and why
    delivery: ServiceDelivery,
    image: str,
    config: str | None,
    *,
    reason: str,
    by: str,
    now: datetime,
    revision: str | None = None,
) -> ServiceDelivery:
    """Hold an image, with one configuration and revision or (None) with any; what held the same before is replaced."""
    others = (held for held in delivery.holds if (held.image, held.config, held.revision) != (image, config, revision))
    held = Held(image=image, config=config, revision=revision, reason=reason, by=by, at=now)
    return delivery.model_copy(update={"holds": (*others, held)})


def let_go(delivery: ServiceDelivery, image: str, *, stack: str, service: str) -> ServiceDelivery:
    """Give an image free, whatever it was held with.

    Raises:
        Refused: it is not held; the line names what is.
    """
    kept = tuple(held for held in delivery.holds if held.image != image)
    if len(kept) == len(delivery.holds):
        names = ", ".join(held.image for held in delivery.holds) or "nothing"
        raise Refused(f"{stack}: {service} {image} is not held; held: {names}")
    return delivery.model_copy(update={"holds": kept})


def rolled_back(  # noqa: PLR0913 -- a hold says who, when and why
    delivery: ServiceDelivery,
    image: str,
    config: str,
    *,
    reason: str,
    by: str,
    now: datetime,
    revision: str | None = None,
) -> ServiceDelivery:
    """Blame a version for its rollback: evidence for it no longer counts, and it is held."""
    left = revoke(delivery, image, config, reason, now, revision=revision)
    return hold(left, image, config, reason=reason, by=by, now=now, revision=revision)
