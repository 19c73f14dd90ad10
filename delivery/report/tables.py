"""Plan, status and history as tables for people."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from delivery.cluster.client import Json
from delivery.formatting import count, counted, digest, duration
from delivery.plan.peak import StageCost, peak, table
from delivery.report.forecast import Foreseen, Plan
from delivery.report.live_view import RESULTS, checks_table
from delivery.report.pending import Pending
from delivery.report.status import ServiceStatus, StackStatus
from models.delivery import Past

_PHASES = {
    "idle": "green", "running": "cyan", "waiting": "yellow", "warm": "green", "going back": "red", "interrupted": "red"
}  # fmt: skip
_OUTCOMES = {"promoted": "green", "rolled back": "red", "inconclusive": "yellow", "aborted": "yellow"}


def plan(foreseen: Plan) -> RenderableType:
    """Show the stages of a planned release, its peak and its expected time."""
    heading, *rows = table(foreseen.costs)
    most = peak(foreseen.costs)
    shown = plain_table(*heading, "judged by", "at least")
    for one, row in zip(foreseen.stages, rows, strict=True):
        shown.add_row(*row, _verdict(one), _time(one), style="bold" if one.cost is most else "")
    return Group(shown, Text(), *_summary(foreseen, most))


def _summary(foreseen: Plan, most: StageCost) -> Iterator[Text]:
    above = f"{counted(most.above, 'pod')} more than now" if most.above else "no more than now"
    yield Text(f"peak: {counted(most.total, 'pod')} at {most.title}, {above}")
    if foreseen.seconds is None:
        yield Text("time: unknown, because no traffic is declared; set release.gate.traffic in the catalogue entry")
    else:
        yield Text(f"time: {duration(foreseen.seconds)} of judging and holding at the declared traffic, plus updates")
    for one in foreseen.stages:
        if one.starved:
            yield Text(
                f"{one.stage.title}: needs {duration(one.seconds or 0)} at the declared traffic, but the deadline is "
                f"{duration(one.deadline)}, so it would end inconclusive; raise weight, margin or gate.deadline",
                style="yellow",
            )


def _verdict(one: Foreseen) -> str:
    parts = [f"{count(one.requests)} requests of each slot"] if one.requests else []
    if one.stage.gate and not one.requests:
        parts += ["checks" if one.judges else "nothing is judged here"]
    parts += ["approval"] if one.stage.approval else []
    parts += ["a person decides"] if one.stage.waits else []
    return ", ".join(parts)


def _time(one: Foreseen) -> Text:
    if one.seconds is None:
        return Text("?")
    if one.stage.warm:
        return Text(f"old slot kept {duration(one.stage.warm)}")
    return Text(duration(one.seconds) if one.seconds else "", style="yellow" if one.starved else "")


def status(found: StackStatus) -> RenderableType:
    """Show a stack: a row for each slot, and each service's details below the rows."""
    driver = f"driver: {found.driver}" if found.driver is not None else "no driver is running"
    head = Text.assemble((found.stack, "bold"), f" · {found.system} as {found.environment} · {driver}")
    shown = plain_table("service", "phase", "stage", "slot", "runs", "declared", "deployed", "in the cluster", "ready")
    for service in found.services:
        for row in _slots(service):
            shown.add_row(*row)
    return Group(head, "", shown, *(part for service in found.services for part in _below(service)), *_unknown(found))


def _slots(service: ServiceStatus) -> Iterator[list[RenderableType]]:
    release, at, seen = service.release, service.position, service.seen
    deployed = cast("dict[str, Json]", service.deployed["slots"] if service.deployed else {})
    stage = f"{at.index + 1}/{len(at.stages)} {at.stage.title}" if at.stage else ""
    head: list[RenderableType] = [Text(service.name, "bold"), Text(at.phase, _PHASES[at.phase]), stage]
    for slot, content in release.slots.items():
        found = deployed.get(slot)
        image = digest(content.image or (found["image"] if found else service.given))
        weights = (
            f"{release.weight_of(slot)} %",
            f"{found['weight']} %" if found else "-",
            f"{seen.weights.get(slot, 0)} %" if seen else "?",
        )
        ready = str(seen.ready.get(slot, 0)) if seen else "?"
        role = " (live)" if slot == release.live else ""
        yield [*head, Text(slot + role, slot), image, *weights, ready]
        head = ["", "", ""]


def _below(service: ServiceStatus) -> Iterator[RenderableType]:
    delivery, run = service.delivery, service.delivery.run
    yield Text()
    yield Text.assemble((service.name, "bold"), f" next: {service.position.next}")
    if service.tended and service.tended.since:
        yield Text(f"  {service.tended.said}", style="red" if service.tended.act else "yellow")
    if run and run.reason:
        yield Text(f"  going back: {run.reason}", style="red")
    for difference in service.differences:
        yield Text(f"  differs: {difference}", style="red")
    if service.pending:
        yield Text(f"  pending: {service.pending}", style="yellow")
    if run and run.checks:
        yield checks_table(run.checks)
    elif delivery.verdicts:
        newest = delivery.verdicts[-1]
        revoked = f", revoked: {newest.revoked.reason}" if newest.revoked else ""
        said = f"  verdict: {newest.result} on {digest(newest.image)}, {moment(newest.ended)}{revoked}"
        yield Text(said, style="red" if revoked else RESULTS[newest.result])
    for held in delivery.holds:
        yield Text(f"  held: {digest(held.image)}: {held.reason} ({held.by}, {moment(held.at)})", style="yellow")


def _unknown(found: StackStatus) -> Iterator[RenderableType]:
    for line in found.unknown:
        yield Text()
        yield Text(f"unknown: {line}", style="red")


def difference(found: Pending) -> RenderableType:
    """Show how the live slot differs from the working tree, field by field."""
    head = Text.assemble((found.service, "bold"), f" · {found.slot} runs {digest(found.image)}")
    image = "a release builds the image from the tree" if found.builds else ""
    if not found.changes:
        return Group(head, Text(f"no difference from the working tree{f'; {image}' if image else ''}"))
    shown = plain_table("field", f"{found.slot} runs", "working tree")
    for path, values in found.changes.items():
        shown.add_row(path, *(_shown(value) for value in values))
    return Group(head, shown, *([Text(image)] if image else []), Text(f"to apply: {found.command}"))


def history(past: Sequence[tuple[str, Past]]) -> RenderableType:
    """Show the releases that have ended, newest first."""
    shown = plain_table("began", "service", "outcome", "image", "config", "took", "why")
    for service, one in past:
        why = one.reason + (f" (override by {one.override.by}: {one.override.reason})" if one.override else "")
        took = duration((one.ended - one.began).total_seconds())
        outcome = Text(one.outcome, style=_OUTCOMES.get(one.outcome, ""))
        shown.add_row(moment(one.began), service, outcome, digest(one.image), one.config[:8], took, why.strip())
    return shown


def moment(at: datetime) -> str:
    """Format a time in the reader's time zone."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def plain_table(*columns: str) -> Table:
    """Return an empty table without lines; long cells are folded, not cut."""
    found = Table(box=None, padding=(0, 2, 0, 0), header_style="bright_black")
    for column in columns:
        found.add_column(column, overflow="fold")
    return found


def _shown(value: object) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
