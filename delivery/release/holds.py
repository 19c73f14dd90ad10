"""Holds: bytes that were rolled back do not come back until a person lets them."""

from delivery.errors import Refused
from delivery.release.evidence import revoke
from models.delivery import Held, Note, ServiceDelivery, Version
from models.evidence import short, shown


def refuse_held(record: ServiceDelivery, version: Version, *, stack: str, service: str) -> None:
    """Raise Refused if these bytes are held in this stack.

    An override does not help: it goes past missing evidence, and a hold *is* evidence.
    """
    if held := record.holding(version):
        raise Refused(
            f"{stack}: {service} {short(version.image)} is held: {held.reason} "
            f"({held.by}, {shown(held.at)}); release another version, or let it go by hand: "
            f"slipway release-hold {stack} {service} {version.image}"
        )


def hold(
    delivery: ServiceDelivery, image: str, note: Note, *, config: str | None = None, revision: str | None = None
) -> ServiceDelivery:
    """Hold an image, with one configuration and revision or (None) with any; an equal hold is replaced."""
    others = (held for held in delivery.holds if (held.image, held.config, held.revision) != (image, config, revision))
    held = Held(image=image, config=config, revision=revision, **note._asdict())
    return delivery.model_copy(update={"holds": (*others, held)})


def let_go(delivery: ServiceDelivery, image: str, *, stack: str, service: str) -> ServiceDelivery:
    """Remove every hold on an image.

    Raises:
        Refused: it is not held; the line names what is.
    """
    kept = tuple(held for held in delivery.holds if held.image != image)
    if len(kept) == len(delivery.holds):
        names = ", ".join(held.image for held in delivery.holds) or "nothing"
        raise Refused(f"{stack}: {service} {image} is not held; held: {names}")
    return delivery.model_copy(update={"holds": kept})


def rolled_back(delivery: ServiceDelivery, version: Version, note: Note) -> ServiceDelivery:
    """Mark a version as failed: evidence for it no longer counts, and it is held."""
    image, config, revision = version
    left = revoke(delivery, version, note.reason, note.at)
    return hold(left, image, note, config=config, revision=revision)
