"""Holds: bytes that were rolled back cannot be released again until a person removes the hold."""

from delivery.errors import Refused
from delivery.release.evidence import revoke
from models.delivery import Held, Note, ServiceDelivery, Version
from models.evidence import short, shown


def identity(held: Held) -> tuple[str, str | None, str | None]:
    """Return what a hold is about. Holds on two revisions of one image are two holds."""
    return held.image, held.config, held.revision


def refuse_held(record: ServiceDelivery, version: Version, *, stack: str, service: str) -> None:
    """Raise Refused if these bytes are held in this stack.

    An override does not lift a hold: an override bypasses missing evidence, and a hold *is* evidence.
    """
    if held := record.holding(version):
        raise Refused(
            f"{stack}: {service} {short(version.image)} is held: {held.reason} "
            f"({held.by}, {shown(held.at)}); release another version, or remove the hold: "
            f"slipway release-hold {stack} {service} {version.image}"
        )


def hold(
    delivery: ServiceDelivery, image: str, note: Note, *, config: str | None = None, revision: str | None = None
) -> ServiceDelivery:
    """Hold an image with one configuration and revision, or with any of them (None). An equal hold is replaced."""
    held = Held(image=image, config=config, revision=revision, **note._asdict())
    others = (other for other in delivery.holds if identity(other) != identity(held))
    return delivery.model_copy(update={"holds": (*others, held)})


def let_go(delivery: ServiceDelivery, image: str, *, stack: str, service: str) -> ServiceDelivery:
    """Remove every hold on an image.

    Raises:
        Refused: the image is not held; the message names the images that are.
    """
    kept = tuple(held for held in delivery.holds if held.image != image)
    if len(kept) == len(delivery.holds):
        names = ", ".join(held.image for held in delivery.holds) or "nothing"
        raise Refused(f"{stack}: {service} {image} is not held; held: {names}")
    return delivery.model_copy(update={"holds": kept})


def rolled_back(delivery: ServiceDelivery, version: Version, note: Note) -> ServiceDelivery:
    """Mark a version as failed: revoke the evidence for it, and hold it."""
    image, config, revision = version
    left = revoke(delivery, version, note.reason, note.at)
    return hold(left, image, note, config=config, revision=revision)
