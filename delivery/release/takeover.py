"""Takeover from a driver elsewhere. The Lease carries that driver's last record, which this checkout may not have.

A driver writes a record to the Lease first, then to its own stack file, and only then acts. So the Lease is never
behind the cluster, and at most one action ahead of it. The driver that takes over repeats that action.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from delivery.errors import DeliveryError
from delivery.lock.lease_notes import records_of
from delivery.release import evidence, holds
from delivery.release.revisions import names_in
from delivery.release.stack import UNKNOWN_SPACE, Stack
from models.delivery import Run, ServiceDelivery, Verdict
from models.release import ServiceRelease
from models.revision import Revision

if TYPE_CHECKING:
    from delivery.lock.lease import Seen
    from delivery.release.service import Service

_LARGE = 20_000
"""Size limit of a revision on the Lease, in characters. The stack's outputs have the larger revisions that ran."""


def carried(
    release: ServiceRelease, delivery: ServiceDelivery, space: str, running: Mapping[str, Revision]
) -> dict[str, Any]:
    """Return a service's part of the Lease: the declared release, and what the newest release added to the record.

    ``running`` has the revisions that the release and its run name, because another checkout does not have the files.
    ``space`` is the identity of the stack's namespace, because a destroyed stack leaves its Lease behind.
    """
    documents = {name: revision.document() for name, revision in running.items()}
    small = {name: document for name, document in documents.items() if len(json.dumps(document)) < _LARGE}
    declared = {"release": release.document(), "space": space, "revisions": small}
    newest = delivery.run or (delivery.history[-1] if delivery.history else None)
    if newest is None:
        return {**declared, "delivery": {}}
    added = ServiceDelivery(
        run=delivery.run,
        verdicts=tuple(verdict for verdict in delivery.verdicts if verdict.began == newest.began),
        holds=tuple(held for held in delivery.holds if held.at >= newest.began),
        history=delivery.history[-1:],
    )
    return {**declared, "delivery": added.document()}


def catch_up(service: "Service") -> bool:
    """Write the Lease's record of the newest release into the stack file if it is newer; return whether it was.

    Older verdicts, holds and releases stay as they are in this checkout.

    Args:
        service: The service; its stack is held exclusively.

    Raises:
        DeliveryError: another version of the program wrote the Lease's record.
    """
    newer = newer_record(service, service.stack.lock.held_lease)
    if newer is None:
        return False
    _take_revisions(service, *newer)
    service.write(*newer)
    return True


def _take_revisions(service: "Service", release: ServiceRelease, delivery: ServiceDelivery) -> None:
    """Fetch the revisions that this checkout lacks from the Lease, or else from the stack's outputs."""
    missing = service.stack.revisions.missing(names_in(release, delivery))
    if not missing:
        return
    known = records_of(service.stack.lock.held_lease).get(service.name, {}).get("revisions", {})
    found = {name: Revision.model_validate(known[name]) for name in missing & known.keys()}
    if missing - found.keys():
        exported = evidence.read(service.stack.outputs(), service.stack.name, service.name).revisions
        found |= {name: exported[name] for name in missing & exported.keys()}
    service.stack.revisions.take(found)


def newer_record(service: "Service", seen: "Seen | None") -> tuple[ServiceRelease, ServiceDelivery] | None:
    """Return the release and the record merged with the newer ones on the Lease; None if the Lease has nothing newer.

    A record from another namespace of the same name is ignored, because the stack was destroyed and created again
    since. A record from a time without a namespace is ignored too, because nothing ran then. Raises DeliveryError if
    another version of the program wrote the record.
    """
    known = records_of(seen).get(service.name)
    if known is None:
        return None
    space, here = known.get("space", ""), service.stack.space_id()
    # An earlier version wrote "" where the account may not read the namespace.
    if not (space in ("", here) if here == UNKNOWN_SPACE else space and space == here):
        return None
    release, theirs = _read(service.stack, known)
    own = service.record()
    return (release, _merged(own, theirs)) if _newer(theirs, own) else None


def _read(stack: "Stack", known: Any) -> tuple[ServiceRelease, ServiceDelivery]:  # noqa: ANN401 -- JSON of an annotation
    try:
        return ServiceRelease.model_validate(known["release"]), ServiceDelivery.model_validate(known["delivery"])
    except (ValidationError, KeyError, TypeError) as error:
        raise DeliveryError(
            f"stack {stack.name}: the Lease has a record that this version of slipway cannot read "
            f"({str(error).splitlines()[0]}); use the stack file of the checkout that drove the release"
        ) from error


def _newer(theirs: ServiceDelivery, own: ServiceDelivery) -> bool:
    """Return whether the Lease's record is further along than the stack file's. Clocks are ignored: they may differ."""
    run, ours = theirs.run, own.run
    if run is None:  # no release is under way; the one in this file may have ended elsewhere
        return ours is not None and any(past.id == ours.id for past in theirs.history)
    if any(past.id == run.id for past in own.history):
        return False
    return ours is None or ours.id != run.id or _place(run) > _place(ours)


def _place(run: Run) -> tuple[bool, int, bool, bool]:
    return run.kind == "back", run.stage, run.reached, run.warm_until is not None


def _merged(own: ServiceDelivery, theirs: ServiceDelivery) -> ServiceDelivery:
    """Return both records in one. ``theirs`` replaces the run, and the items that both have."""
    verdicts = {_judged(verdict) for verdict in theirs.verdicts}
    held = {holds.identity(hold) for hold in theirs.holds}
    ended = {past.id for past in theirs.history}
    return ServiceDelivery(
        run=theirs.run,
        verdicts=(*(verdict for verdict in own.verdicts if _judged(verdict) not in verdicts), *theirs.verdicts),
        holds=(*(hold for hold in own.holds if holds.identity(hold) not in held), *theirs.holds),
        history=(*(past for past in own.history if past.id not in ended), *theirs.history),
    )


def _judged(verdict: Verdict) -> tuple[str, str, datetime]:
    return verdict.image, verdict.config, verdict.began
