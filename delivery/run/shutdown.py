"""Moves requests off a new slot when its driver has to stop and may not write the record."""

from delivery.cluster import valve
from delivery.errors import ClusterUnavailable, DeliveryError
from delivery.release.service import Service
from models.delivery import Run
from models.release import Match, ServiceRelease


def shut(service: Service, run: Run, stage: ServiceRelease, *, bad: bool) -> str:
    """Send all requests to the live slot if that is safe; return the resulting state as a message.

    Nobody judges the new slot any more, so it gets no requests. Traffic stays as it is in three cases. The live slot
    gave up pods for the new one (`capacity: constant`) and cannot carry all requests; if the new version has failed,
    they move anyway. The release is on its way back, so traffic has moved already. Somebody made another slot live and
    controls the traffic. The record is not written, because somebody else has changed it.
    """
    candidate = stage.canary
    status = f"`slipway status {service.stack.name}`"
    after = f"see {status}; to continue: slipway resume {service}; to go back: slipway abort {service}"
    narrowed = stage.slots[stage.live].max_replicas is not None
    closed = False
    if run.kind == "forward" and candidate and (stage.weight or stage.match != Match()) and (bad or not narrowed):
        try:
            closed = _closed(service, stage)
        except ClusterUnavailable:
            return f"the API server does not answer, and {candidate} gets {stage.weight} % of the requests; {after}"
    if not closed:
        return f"traffic is unchanged; {after}"
    return f"{candidate} no longer gets requests, and {stage.live} answers all of them; {after}"


def _closed(service: Service, stage: ServiceRelease) -> bool:
    try:
        declared = service.declared()
    except DeliveryError:  # an unreadable file declares nothing, so the stage counts
        declared = stage
    if declared is None or (declared.live, declared.canary) != (stage.live, stage.canary):
        return False
    shut_off = declared.model_copy(update={"weight": 0, "match": Match()})
    stack, system = service.stack, service.stack.spec_read_last()
    return valve.move(stack.cluster, system, service.name, shut_off, confirm=stack.lock.confirm)
