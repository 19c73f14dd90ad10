"""Takes requests off a new slot whose driver has to stop without a word in the record."""

from delivery.cluster import valve
from delivery.errors import ClusterUnavailable, DeliveryError
from delivery.release.service import Service
from models.delivery import Run
from models.release import Match, ServiceRelease


def shut(service: Service, run: Run, stage: ServiceRelease, *, bad: bool) -> str:
    """Send every request to the live slot where that is safe; return what is true then, for a person.

    Nobody judges the new slot any more, so it gets nothing. Three states are left as they are: a live slot that gave
    pods up for the new one (`capacity: constant`) could not carry everything, unless the new version has failed; on
    the way back, traffic has gone back already; and where somebody made another slot live, that is theirs to move.
    The record is not written: it is somebody else's now.
    """
    candidate = stage.canary
    status = f"`slipway status {service.stack.name}`"
    after = f"see {status}; go on: slipway resume {service}; go back: slipway abort {service}"
    narrowed = stage.slots[stage.live].max_replicas is not None
    closed = False
    if run.kind == "forward" and candidate and (stage.weight or stage.match != Match()) and (bad or not narrowed):
        try:
            closed = _closed(service, stage)
        except ClusterUnavailable:
            return f"the API server does not answer, and {candidate} gets {stage.weight} % of the requests; {after}"
    return (
        f"{candidate} gets no requests any more, {stage.live} answers; {after}" if closed else f"traffic stays; {after}"
    )


def _closed(service: Service, stage: ServiceRelease) -> bool:
    try:
        declared = service.declared()
    except DeliveryError:  # nobody declares anything while the file cannot be read
        declared = stage
    if declared is None or (declared.live, declared.canary) != (stage.live, stage.canary):
        return False
    shut_off = declared.model_copy(update={"weight": 0, "match": Match()})
    stack, system = service.stack, service.stack.spec_read_last()
    return valve.move(stack.cluster, system, service.name, shut_off, confirm=stack.lock.confirm)
