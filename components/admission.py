"""Require evidence from the previous environment for every new slot, no matter who runs ``pulumi up``.

A slot needs no new evidence if the stack ran it at its last update, if the record says that it was promoted, or if a
release returns to it: evidence expires, but a running system must stay deployable. ``models.evidence`` judges all other
slots before the first write: every object needs the namespace's name, which is known only after the judgment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import pulumi
from pydantic import ValidationError

from models.delivery import Held, Run, ServiceDelivery, Version, fingerprint
from models.evidence import NotVouchedError, Wanted, evidence_of, short, shown, vouched
from models.release import SlotRelease
from models.revision import Revision
from models.system import DeployedService, SystemSpec
from models.vocabulary import SlotName

Configured = tuple[str | None, str]
"""An image by digest (None = this stack builds it), and the fingerprint of its configuration."""
Key = tuple[str | None, str | None, str]
"""A slot as declared: image, revision, and fingerprint of its own model, settings and files."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A slot that must show evidence."""

    service: str
    slot: SlotName
    image: str | None
    content: SlotRelease
    revision: Revision
    name: str
    """Hash of the revision, as in the stack's record."""

    @property
    def config(self) -> str:
        """The fingerprint of the content that a promotion carries along with the image."""
        return fingerprint(self.revision.content)

    @property
    def key(self) -> Key:
        """The slot's identity in the record of a release."""
        return _key(self.content, self.image)

    @property
    def where(self) -> str:
        """The path in the stack file that declares the slot."""
        return f"slipway:release.{self.service}.slots.{self.slot}"


def candidates(system: SystemSpec) -> list[Candidate]:
    """Return the slots to judge: those that are held, or that neither the release in progress nor the record admits."""
    return [
        one
        for service, content in system.services.items()
        for one in _filled(service, content, system)
        if one.key not in _admitted_by_run(content, system)
        and (_hold_on(one, content) or (system.source and (one.image, one.config) not in _recorded(content)))
    ]


def refusals(
    system: SystemSpec, asked: list[Candidate], own: Mapping[str, Any], source: Mapping[str, Any], now: datetime
) -> Iterator[str]:
    """Yield one line for each slot that may not run.

    Args:
        system: The system.
        asked: The slots that must show evidence.
        own: The stack's own outputs, as of its last update.
        source: The outputs of the stack that must vouch for the slots.
        now: The current time, for soak and freshness.
    """
    for one in asked:
        if _ran(own, one):
            continue
        content = system.services[one.service]
        if held := _hold_on(one, content):
            yield (
                f"{one.where}: {short(held.image)} is held in this stack: {held.reason} ({held.by}, {shown(held.at)}); "
                f"choose another version, or run slipway release-hold {pulumi.get_stack()} {one.service} {held.image}"
            )
        elif system.source and (refused := _objection(system.source, one, system, source, now)):
            yield f"{one.where}: {refused}"


def _objection(stack: str, one: Candidate, system: SystemSpec, outputs: Mapping[str, Any], now: datetime) -> str | None:
    """Return why the source does not vouch for a slot, or None. A release is judged as of the time it began."""
    if one.image is None:
        return (
            f"this stack builds the image, so slipway:source {stack} has no evidence for it; set the image's digest, "
            "or remove slipway:source"
        )
    run = system.services[one.service].delivery.run
    began = run.began if run and _key(run.target, run.image) == one.key else now
    way = f"or override the check with a reason: slipway promote {stack} {pulumi.get_stack()} --override REASON"
    try:
        evidence = evidence_of(outputs, one.service)
        if evidence is None:
            return (
                f"{stack} has no evidence about {one.service}; run pulumi up -s {stack}, then let a gate judge the "
                f"version there, {way}"
            )
        runs = one.revision.spec
        wanted = Wanted(image=one.image, config=one.config, environment=system.environment, runs=runs)
        vouched(evidence, wanted, system.entry, began)
    except ValidationError as error:
        fault = error.errors()[0]["msg"]
        return f"{stack}: output delivery.{one.service} cannot be read ({fault}); run pulumi up -s {stack}"
    except NotVouchedError as error:
        return f"{error}, {way}"
    return None


def _filled(service: str, content: DeployedService, system: SystemSpec) -> Iterator[Candidate]:
    for slot, filled in content.release.slots.items():
        revision = content.revisions[slot]
        image = filled.image or system.images.get(revision.spec.image)
        name = content.name_of(slot)
        yield Candidate(service=service, slot=slot, image=image, content=filled, revision=revision, name=name)


def _key(content: SlotRelease, image: str | None) -> Key:
    return content.image or image, content.pinned, fingerprint(content)


def _admitted_by_run(content: DeployedService, system: SystemSpec) -> set[Key]:
    """Return what a release in progress may run: its admitted candidate, or all states that a rollback passes."""
    run = content.delivery.run
    if run is None:
        return set()
    if run.kind == "forward":
        return {_key(run.target, run.image)} if _may_start(run, content) else set()
    states = [state for state in (run.left, run.stable) if state is not None]
    given = system.images.get(content.spec.image)
    return {_key(filled, given) for state in states for filled in state.slots.values()}


def _recorded(content: DeployedService) -> set[Configured]:
    """Return what was admitted before: promoted here, passed here, or admitted by an override with a reason."""
    delivery = content.delivery
    found: set[Configured] = {(p.image, p.config) for p in delivery.history if p.outcome == "promoted" or p.override}
    return found | {(v.image, v.config) for v in delivery.verdicts if v.counts}


def _may_start(run: Run, content: DeployedService) -> bool:
    return run.override is not None or run.express or content.release.live == run.candidate != run.stable.live


def _hold_on(one: Candidate, content: DeployedService) -> Held | None:
    """Return the hold of this stack on a slot's version, if there is one."""
    return content.delivery.holding(Version(one.image, one.config, one.name)) if one.image else None


def _ran(outputs: Mapping[str, Any], one: Candidate) -> bool:
    """Return whether the stack ran the slot at its last update. A refused update does not change the outputs."""
    try:
        evidence = evidence_of(outputs, one.service)
    except ValidationError:
        return False
    return evidence is not None and any(s.is_same(one.image, one.config) for s in evidence.slots.values())


def admitted(
    system: SystemSpec, own: Mapping[str, Any], now: datetime, opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the namespace's name once every slot may run.

    Args:
        system: The system.
        own: The stack's own output ``delivery`` of its last update. A StackReference to the stack itself would be read
            while the engine writes the state. The file backend then fails with "EOF", because it writes the attributes
            of a file in place.
        now: The current time, for soak and freshness.
        opts: Options of the StackReference to the source.

    Raises:
        pulumi.RunError: when the output resolves, with one line for each slot that may not run.
    """
    asked = candidates(system)
    if not asked:
        return pulumi.Output.from_input(system.namespace)
    source = _outputs(system.source, opts) if system.source else pulumi.Output.from_input({})

    def judge(offered: Mapping[str, Any]) -> str:
        if refused := list(refusals(system, asked, {"delivery": own}, offered, now)):
            raise pulumi.RunError("\n".join(refused))
        return system.namespace

    return source.apply(judge)


def _outputs(stack: str, opts: pulumi.ResourceOptions) -> pulumi.Output[Mapping[str, Any]]:
    full = stack if "/" in stack else f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    return cast("pulumi.Output[Mapping[str, Any]]", pulumi.StackReference("slipway:source", full, opts).outputs)


def published(
    system: SystemSpec, service: str, images: Mapping[SlotName, pulumi.Output[str]], allowed: pulumi.Output[str]
) -> dict[str, Any]:
    """Return what the next environment's stack reads about a service, in the shape of ``models.evidence.Evidence``.

    The field ``stack`` waits for the judgment. Otherwise a refused update would still report that refused slots run.
    """
    stack = pulumi.get_stack()
    content = system.services[service]
    slots = {slot: _running(content, slot, images[slot]) for slot in content.revisions}
    return {
        "system": system.name,
        "environment": system.environment,
        "stack": allowed.apply(lambda _: stack),
        "service": service,
        "live": slots[content.release.live],
        "slots": slots,
        "soak": content.spec.release.soak,
        "fresh": content.spec.release.fresh,
        "revisions": {name: revision.document() for name, revision in content.exported_revisions.items()},
        **_record(content.delivery),
    }


def _running(content: DeployedService, slot: SlotName, image: pulumi.Output[str]) -> dict[str, Any]:
    revision = content.revisions[slot]
    own = revision.content
    return {
        "image": image,
        "config": fingerprint(own),
        "content": own.document(),
        "revision": content.name_of(slot),
    }


def _record(delivery: ServiceDelivery) -> dict[str, Any]:
    return delivery.model_dump(mode="json", by_alias=True, exclude_none=True, include={"verdicts", "holds"})
