"""What one stack vouches for, as the next one reads it, and the rules by which it counts.

The stack exports it as its output ``delivery``. The program of the next stack reads that through a StackReference, and
``slipway promote`` through the CLI; both judge by :func:`vouched`, so neither is a way around the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from pydantic import Field

from models.base import Model
from models.delivery import Fingerprint, Held, ServiceDelivery, Verdict, age, fingerprint, hashed
from models.entry import CatalogueEntry
from models.release import SlotRelease
from models.service import ServiceSpec
from models.vocabulary import DigestReference, Name, SlotName, Text

_SHOWN_DIGITS = 12
"""Of a digest, in a message: enough to find it, short enough to read."""


class Running(Model):
    """What a slot runs."""

    image: DigestReference
    config: Fingerprint
    content: SlotRelease

    @property
    def whole(self) -> SlotRelease:
        """Give it as the next environment takes it over: image, model, settings and files together."""
        return self.content.model_copy(update={"image": self.image})

    def is_same(self, image: str | None, config: str) -> bool:
        """Whether it is these bytes with this configuration."""
        return self.image == image and self.config == config


class Evidence(Model):
    """One service in the stack's output ``delivery``."""

    system: Name
    environment: Name
    stack: Text
    service: Name
    live: Running
    slots: dict[SlotName, Running]
    soak: int = Field(ge=0, description="seconds")
    fresh: int = Field(ge=1, description="seconds")
    verdicts: tuple[Verdict, ...] = ()
    holds: tuple[Held, ...] = ()

    @property
    def record(self) -> ServiceDelivery:
        """Its verdicts and holds, to be searched as those of a stack file are."""
        return ServiceDelivery(verdicts=self.verdicts, holds=self.holds)


class NotVouchedError(Exception):
    """One line: what, which rule, what to do."""


def evidence_of(outputs: Mapping[str, object], service: str) -> Evidence | None:
    """Read a stack's outputs; None = it has never deployed the service, or not with this program.

    Raises:
        pydantic.ValidationError: another version of the program wrote them.
    """
    every = cast("Mapping[str, object]", outputs.get("delivery") or {})
    return Evidence.model_validate(_whole(every[service])) if service in every else None


def _whole(value: object) -> object:
    """Give whole numbers back as such: the engine's protocol knows floats alone, and counts are strict."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_whole(item) for item in cast("list[object]", value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def inherited(spec: ServiceSpec, content: SlotRelease) -> str:
    """Hash what a slot takes from its catalogue entry: of model, settings and files those it does not name itself."""
    given = spec.model_dump(mode="json", by_alias=True, include={"model", "server", "files"}, exclude_none=True)
    files = given.pop("files", {})
    own = content.travelling.document()
    taken = {name: text for name, text in files.get("files", {}).items() if name not in own.get("files", {})}
    return hashed({"files": files | {"files": taken}, **{key: given[key] for key in given.keys() - own.keys()}})


def vouched(evidence: Evidence, image: str, content: SlotRelease, entry: CatalogueEntry, now: datetime) -> Verdict:
    """Give the verdict that lets the next stack run these bytes.

    Args:
        evidence: What the stack before says.
        image: By digest.
        content: What the slot sets beside it.
        entry: As the next stack reads it. A verdict spoke of what the entry gave then, and of nothing else.
        now: For soak and freshness.

    Raises:
        NotVouchedError: held, never judged, of another configuration, revoked, not passed, too young or too old.
    """
    config = fingerprint(content)
    stack, what = evidence.stack, f"{evidence.stack}: {evidence.service} {short(image)}"
    at = f"{stack} {evidence.service}"
    record = evidence.record
    if held := record.holding(image, config):
        raise NotVouchedError(
            f"{what} is held there: {held.reason} ({held.by}, {shown(held.at)}); release another version, "
            f"or let it go by hand: slipway release-hold {at} {image}"
        )
    verdict = record.verdict_on(image, config)
    again = _judged_again(evidence, image, config)
    if verdict is None:
        raise NotVouchedError(f"{what} {_missing(evidence, image, config)}; {again}")
    if verdict.revoked:
        raise NotVouchedError(
            f"{what}: its verdict was revoked at {shown(verdict.revoked.at)}: {verdict.revoked.reason}; {again}"
        )
    if found := _not_passed(verdict, entry):
        raise NotVouchedError(f"{what}: {found}; {again}")
    if newer := _changed_since(verdict, evidence, entry, content):
        raise NotVouchedError(f"{what} was judged {newer}, then {again}")
    old = age(verdict.ended, now)
    if old < evidence.soak:
        ready = shown(verdict.ended + timedelta(seconds=evidence.soak))
        raise NotVouchedError(
            f"{what} passed at {shown(verdict.ended)} and must soak for {evidence.soak} s (release.soak); "
            f"wait until {ready}"
        )
    if old > evidence.fresh:
        raise NotVouchedError(
            f"{what} passed at {shown(verdict.ended)}, and a verdict counts for {evidence.fresh} s (release.fresh); "
            f"{again}"
        )
    return verdict


def _not_passed(verdict: Verdict, entry: CatalogueEntry) -> str:
    """Say why a verdict is no pass; empty = it is one. An older program called it a pass where nothing was judged."""
    if not verdict.checks and verdict.result in ("pass", "unjudged"):
        return (
            f"nothing was judged, so no verdict vouches for it; give release.gate in catalog/{entry.name}.yaml errors, "
            "latency, a check or a webhook"
        )
    said = "; ".join(f"{name}: {check.said}" for name, check in verdict.checks.items() if check.result != "pass")
    return "" if verdict.result == "pass" else f"its verdict is {verdict.result}{f' ({said})' if said else ''}"


def _changed_since(verdict: Verdict, evidence: Evidence, entry: CatalogueEntry, content: SlotRelease) -> str:
    """Say what the catalogue gives that the verdict does not speak of, and what to do; empty = nothing."""
    file = f"catalog/{entry.name}.yaml"
    if evidence.environment not in entry.environments:
        known = ", ".join(entry.environments)
        return f"in {evidence.environment}, which {file} does not have ({known}); choose a source in one of these"
    if verdict.inherited == inherited(entry.service_in(evidence.environment, evidence.service), content):
        return ""
    return f"before {file} changed what it runs with (model, server or files); pulumi up -s {evidence.stack}"


def _missing(evidence: Evidence, image: str, config: str) -> str:
    others = {verdict.config for verdict in evidence.verdicts if verdict.image == image}
    if others:
        return f"was judged with configuration {', '.join(sorted(others))}, not with {config}"
    return "was never judged there: no verdict names this digest"


def _judged_again(evidence: Evidence, image: str, config: str) -> str:
    """Say how these bytes get a verdict: a check where they are live, a release where they are not."""
    at = f"{evidence.stack} {evidence.service}"
    if evidence.live.is_same(image, config):
        return f"judge what is live: slipway check {at}"
    return f"release it there first: slipway release {at} --image {image}"


def short(image: str) -> str:
    """Give an image's digest as people compare it; a built one has none yet."""
    return f"…@{image.partition('@')[2][: len('sha256:') + _SHOWN_DIGITS]}"


def shown(at: datetime) -> str:
    """Give a point of time as it stands in messages."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
