"""Takes requests off a new slot whose driver has to stop without a word in the record."""

from delivery.cluster import valve
from delivery.errors import ClusterUnavailable, DeliveryError
from delivery.release.stack import Session
from models.delivery import Run
from models.release import Match, ServiceRelease


def shut(session: Session, service: str, run: Run, stage: ServiceRelease, *, bad: bool) -> str:
    """Send every request to the live slot where that is safe; return what is true then, for a person.

    Nobody judges the new slot any more, so it gets nothing. Three states are left as they are: a live slot that gave
    pods up for the new one (`capacity: constant`) could not carry everything, unless the new version has failed; on
    the way back, traffic has gone back already; and where somebody made another slot live, that is theirs to move.
    The record is not written: it is somebody else's now.
    """
    stack, candidate = f"{session.stack} {service}", stage.canary
    after = f"see `slipway status {session.stack}`; go on: slipway resume {stack}; go back: slipway abort {stack}"
    narrowed = stage.slots[stage.live].max_replicas is not None
    closed = False
    if run.kind == "forward" and candidate and (stage.weight or stage.match != Match()) and (bad or not narrowed):
        try:
            closed = _closed(session, service, stage)
        except ClusterUnavailable:
            return f"the API server does not answer, and {candidate} gets {stage.weight} % of the requests; {after}"
    return (
        f"{candidate} gets no requests any more, {stage.live} answers; {after}" if closed else f"traffic stays; {after}"
    )


def _closed(session: Session, service: str, stage: ServiceRelease) -> bool:
    try:
        declared = session.declared(service)
    except DeliveryError:  # nobody declares anything while the file cannot be read
        declared = stage
    if declared is None or (declared.live, declared.canary) != (stage.live, stage.canary):
        return False
    shut_off = declared.model_copy(update={"weight": 0, "match": Match()})
    system = session.spec_read_last()
    deployed = system.services[service]
    return valve.move(session.cluster, system, service, deployed, shut_off, confirm=session.lock.confirm)
