"""The check of the source stack's evidence, made before anything is written and by the Pulumi program's own rules."""

from datetime import datetime

from delivery.errors import Refused
from delivery.release.evidence import read, vouched
from delivery.release.service import Service
from delivery.release.stack import Stack
from models.evidence import Wanted
from models.release import SlotRelease


def refuse_unvouched(service: Service, target: SlotRelease, now: datetime) -> None:
    """Raise Refused unless ``slipway:source`` vouches for these bytes.

    Bytes that were promoted here before are always allowed, because a rollback must not wait for another stack.
    """
    source, image, config = service.stack.settings().source, target.image, service.config(target)
    promoted = (past for past in service.record().history if past.outcome == "promoted")
    if source is None or any(
        (past.image, past.config) == (image, config) and past.content.pinned in (None, target.pinned)
        for past in promoted
    ):
        return
    if image is None:
        raise Refused(
            f"{service.stack.name}: builds {service.name} itself, so slipway:source {source} has no evidence about it; "
            "set --image to a digest, or remove slipway:source"
        )
    offered = read(Stack(service.stack.project, source).outputs(), source, service.name)
    runs = service.revision(target).spec
    wanted = Wanted(image=image, config=config, environment=service.stack.environment, runs=runs)
    vouched(offered, wanted, service.stack.entry, now)
