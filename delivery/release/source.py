"""The stack that must have vouched: asked before anything is written, by the rules that the program itself applies."""

from datetime import datetime

from delivery.errors import Refused
from delivery.release.evidence import read, vouched
from delivery.release.stack import Session
from models.evidence import Wanted
from models.release import SlotRelease


def refuse_unvouched(session: Session, service: str, target: SlotRelease, now: datetime) -> None:
    """Do nothing, or raise Refused where ``slipway:source`` does not vouch for these bytes.

    What was promoted here before may always come back: a rollback waits for no other stack.
    """
    source, image, config = session.settings().source, target.image, session.config(service, target)
    promoted = (past for past in session.delivery(service).history if past.outcome == "promoted")
    if source is None or any(
        (past.image, past.config) == (image, config) and past.content.pinned in (None, target.pinned)
        for past in promoted
    ):
        return
    if image is None:
        raise Refused(
            f"{session.stack}: builds {service} itself, and slipway:source {source} cannot vouch for that; "
            "name the digest (--image), or drop source"
        )
    offered = read(Session(session.project, source).outputs(), source, service)
    runs = session.revision(service, target).spec
    wanted = Wanted(image=image, config=config, environment=session.environment, runs=runs)
    vouched(offered, wanted, session.entry, now)
