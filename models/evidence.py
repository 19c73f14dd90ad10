"""The evidence that a stack exports and the next stack reads, and the rules by which a verdict counts.

The evidence is the stack's output ``delivery``. The program of the next stack reads it through a StackReference, and
``slipway promote`` reads it through the CLI. Both apply :func:`vouched`, so neither bypasses the rules of the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from pydantic import Field, ValidationError

from models.base import Model
from models.delivery import Held, ServiceDelivery, Verdict, Version, age, hashed
from models.entry import CatalogueEntry
from models.errors import enumerated
from models.pins import Ran
from models.release import SlotRelease
from models.revision import Revision
from models.service import ServiceSpec, SlotSpec
from models.vocabulary import DigestReference, Fingerprint, Name, SlotName, Text

_SHOWN_DIGITS = 12
"""Digits of a digest in a message: enough to identify the image, few enough to read."""


class Running(Model):
    """What a slot runs."""

    image: DigestReference
    config: Fingerprint
    content: SlotRelease
    revision: Fingerprint | None = Field(default=None, description="none = written before revisions existed")

    @property
    def whole(self) -> SlotRelease:
        """What the next environment takes over: image, model, settings and files together."""
        return self.content.model_copy(update={"image": self.image})

    def is_same(self, image: str | None, config: str) -> bool:
        """Return whether the slot runs this image with this configuration."""
        return self.image == image and self.config == config


class Evidence(Model):
    """One service in the stack's output ``delivery``."""

    system: Name
    environment: Name
    stack: Text
    service: Name
    live: Running
    slots: dict[SlotName, Running]
    soak: int = Field(ge=0, description="minimum age of a verdict that counts, in seconds")
    fresh: int = Field(ge=1, description="maximum age of a verdict that counts, in seconds")
    verdicts: tuple[Verdict, ...] = ()
    holds: tuple[Held, ...] = ()
    revisions: dict[Fingerprint, Revision] = Field(
        default_factory=dict, description="by hash: the revisions of the slots and of the verdicts"
    )

    @property
    def record(self) -> ServiceDelivery:
        """The verdicts and holds in the form that a stack file has, with its lookups."""
        return ServiceDelivery(verdicts=self.verdicts, holds=self.holds)


class Wanted(Model):
    """What the next stack would run."""

    image: DigestReference
    config: Fingerprint
    environment: Name
    runs: SlotSpec
    """The catalogue entry's values in that environment."""


class NotVouchedError(Exception):
    """No verdict vouches for the version. The message is one line: the version, the rule and the remedy."""


def evidence_of(outputs: Mapping[str, object], service: str) -> Evidence | None:
    """Return a service's evidence from a stack's outputs, or None if this program never deployed the service there.

    Raises:
        pydantic.ValidationError: another version of the program wrote the outputs.
    """
    every = cast("Mapping[str, object]", outputs.get("delivery") or {})
    return Evidence.model_validate(_whole(every[service])) if service in every else None


def ran(outputs: Mapping[str, object], service: str) -> dict[SlotName, Ran]:
    """Return what each slot of a service ran at the last update; empty if the outputs hold no readable evidence."""
    try:
        evidence = evidence_of(outputs, service)
    except ValidationError:
        return {}
    slots = evidence.slots if evidence else {}
    revisions = evidence.revisions if evidence else {}
    return {
        slot: Ran(image=running.image, revision=revisions.get(running.revision or ""))
        for slot, running in slots.items()
    }


def _whole(value: object) -> object:
    """Convert whole numbers to integers: the engine's protocol has only floats, and counts must be integers."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[object]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def inherited(spec: ServiceSpec, content: SlotRelease) -> str:
    """Return the hash of the model, settings and files that a slot takes from its catalogue entry."""
    given = spec.model_dump(mode="json", by_alias=True, include={"model", "server", "files"}, exclude_none=True)
    files = given.pop("files", {})
    own = content.travelling.document()
    taken = {name: text for name, text in files.get("files", {}).items() if name not in own.get("files", {})}
    return hashed({"files": files | {"files": taken}, **{key: given[key] for key in given.keys() - own.keys()}})


def vouched(evidence: Evidence, wanted: Wanted, entry: CatalogueEntry, now: datetime) -> Verdict:
    """Return the verdict that lets the next stack run this version.

    Args:
        evidence: The evidence of the previous stack.
        wanted: The version that the next stack would run.
        entry: The catalogue entry as the next stack reads it. A verdict covers only the values that were judged.
        now: The current time, for soak and freshness.

    Raises:
        NotVouchedError: the version is held or was never judged with this configuration, or its verdict is revoked,
            not a pass, too young or too old.
    """
    image, config = wanted.image, wanted.config
    stack, what = evidence.stack, f"{evidence.stack}: {evidence.service} {short(image)}"
    at = f"{stack} {evidence.service}"
    record = evidence.record
    revision = evidence.live.revision if evidence.live.is_same(image, config) else None
    version = Version(image, config, revision)
    if held := record.holding(version):
        raise NotVouchedError(
            f"{what} is held: {held.reason} ({held.by}, {shown(held.at)}); release another version, "
            f"or remove the hold: slipway release-hold {at} {image}"
        )
    verdict = record.verdict_on(version)
    again = _judged_again(evidence, image, config)
    if verdict is None:
        raise NotVouchedError(f"{what} {_missing(evidence, image, config)}; {again}")
    if verdict.revoked:
        raise NotVouchedError(
            f"{what}: its verdict was revoked at {shown(verdict.revoked.at)}: {verdict.revoked.reason}; {again}"
        )
    if found := _not_passed(verdict, entry):
        raise NotVouchedError(f"{what}: {found}; {again}")
    if other := _judged_otherwise(verdict, evidence, entry, wanted):
        raise NotVouchedError(f"{what} was judged {other}")
    old = age(verdict.ended, now)
    if old < evidence.soak:
        ready = shown(verdict.ended + timedelta(seconds=evidence.soak))
        raise NotVouchedError(
            f"{what} passed at {shown(verdict.ended)} and must soak for {evidence.soak} s (release.soak); "
            f"wait until {ready}"
        )
    if old > evidence.fresh:
        raise NotVouchedError(
            f"{what} passed at {shown(verdict.ended)}, and a verdict is valid for {evidence.fresh} s (release.fresh); "
            f"{again}"
        )
    return verdict


def _not_passed(verdict: Verdict, entry: CatalogueEntry) -> str:
    """Return why a verdict is not a pass; empty = it is. Earlier versions recorded a pass if nothing was judged."""
    if not verdict.checks and verdict.result in ("pass", "unjudged"):
        return (
            "nothing was judged, so the verdict is not evidence; add errors, latency, a check or a webhook to "
            f"release.gate in catalog/{entry.name}.yaml"
        )
    said = "; ".join(f"{name}: {check.said}" for name, check in verdict.checks.items() if check.result != "pass")
    return "" if verdict.result == "pass" else f"its verdict is {verdict.result}{f' ({said})' if said else ''}"


def _judged_otherwise(verdict: Verdict, evidence: Evidence, entry: CatalogueEntry, wanted: Wanted) -> str:
    """Return which values would run unjudged, and the remedy; empty = none."""
    file, stack, service = f"catalog/{entry.name}.yaml", evidence.stack, evidence.service
    if evidence.environment not in entry.environments:
        known = ", ".join(entry.environments)
        return f"in {evidence.environment}, which {file} does not have ({known}); choose a source stack in one of these"
    again = f"release the current entry in {stack} first: slipway release {stack} {service}"
    if verdict.revision is None:
        spec, own = entry.service_in(evidence.environment, service), verdict.content
        if verdict.inherited in (None, inherited(spec, own)):
            return ""
        return f"before {file} changed the model, server or files of the service; {again}"
    judged = evidence.revisions.get(verdict.revision)
    if judged is None:
        return f"as revision {verdict.revision}, which {stack} does not export; run pulumi up -s {stack}"
    if paths := _unjudged(judged, evidence, entry, wanted):
        other = "a different value" if len(paths) == 1 else "different values"
        return f"with {other} of {enumerated(paths)} than {wanted.environment} would run; {again}"
    return ""


def _unjudged(judged: Revision, evidence: Evidence, entry: CatalogueEntry, wanted: Wanted) -> list[str]:
    """Return the paths of values that differ from the judged ones without an overlay that explains the difference.

    The target environment's overlay may set any value. A value that the judging environment's overlay sets must be
    unchanged there. Every other value must be the same in both environments.
    """
    service = evidence.service
    source = entry.service_in(evidence.environment, service)
    theirs, ours = (
        entry.overlay(name, service).model_fields_set for name in (evidence.environment, wanted.environment)
    )
    compared = {
        field: getattr(source if field in theirs else wanted.runs, field)
        for field in SlotSpec.model_fields
        if field not in ours
    }
    return list(judged.changes(judged.spec.model_copy(update=compared)))


def _missing(evidence: Evidence, image: str, config: str) -> str:
    others = {verdict.config for verdict in evidence.verdicts if verdict.image == image}
    if others:
        return f"was judged with configuration {', '.join(sorted(others))}, not with {config}"
    return "was never judged: no verdict names this digest"


def _judged_again(evidence: Evidence, image: str, config: str) -> str:
    """Return how the version gets a verdict: by a check if it is live, otherwise by a release."""
    at = f"{evidence.stack} {evidence.service}"
    if evidence.live.is_same(image, config):
        return f"judge the live version: slipway check {at}"
    return f"release this version first: slipway release {at} --image {image}"


def short(image: str) -> str:
    """Return an image's digest, shortened for messages. An image that is not built yet has none."""
    return f"…@{image.partition('@')[2][: len('sha256:') + _SHOWN_DIGITS]}"


def shown(at: datetime) -> str:
    """Return a point in time, formatted for messages."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
