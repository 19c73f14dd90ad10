"""`slipway promote`: releases in the next environment what passed in this one."""

from typing import Annotated, Any

import typer

from delivery import formatting, registry
from delivery.commands import slot_options
from delivery.commands.drive import drive, overridden
from delivery.commands.options import CHANGING, AsEvents, AsJson, Image, Overriding
from delivery.commands.output import Report, opened, reported
from delivery.errors import Refused
from delivery.release import promotion
from delivery.release.new_run import new_run
from delivery.release.takeover import catch_up
from delivery.report import forecast, tables
from delivery.run import driver
from models.delivery import Override

app = typer.Typer()

Source = Annotated[
    str, typer.Argument(metavar="FROM", help="The stack whose live version is promoted.", show_default=False)
]
Targets = Annotated[
    list[str],
    typer.Argument(metavar="TO…", help="Stacks of the next environment, in release order.", show_default=False),
]
Services = Annotated[
    list[str] | None, typer.Option("--service", help="Promote only this service; may be repeated.", show_default=False)
]


@app.command(rich_help_panel=CHANGING)
def promote(
    context: typer.Context,
    source: Source,
    targets: Targets,
    service: Services = None,
    image: Image = None,
    override: Overriding = None,
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Release in the next environment what passed in this one: the same digest, model, settings and files.

    All targets are checked before the first one changes. The first target that is not promoted ends the command. With
    --image, the command is refused unless FROM runs exactly this digest. Exit codes are those of `slipway release`.

    Example: slipway promote staging prod-eu prod-us --service classifier
    """
    with reported("promote", source, as_json=as_json) as report:
        past = overridden(override)
        receiving = [opened(context, target) for target in targets]
        offering = opened(context, source)
        expected = None if image is None else slot_options.by_digest(registry.resolved(image))
        found = promotion.plan(offering, receiving, service or (), now=driver.now(), override=past)
        _refuse_other(source, found, expected)
        report.document = {"source": source, "promotions": []}
        if not found:
            report.show(f"{', '.join(targets)}: already runs what {source} runs; nothing to promote")
        for place, one in enumerate(found, 1):
            report.document = _released(report, one, past, events=events)
            if report.document["promotions"][-1]["result"] != "promoted":
                _leave(report, found[place:])
                break


def _refuse_other(source: str, found: list[promotion.Promotion], image: str | None) -> None:
    """Refuse a live digest other than ``image``: another branch may have released between two CI jobs."""
    for one in found:
        if image is not None and one.content.image != image:
            raise Refused(
                f"{source} {one.service.name}: runs {formatting.digest(one.content.image)}, "
                f"not {formatting.digest(image)}; release that image in {source} first, or promote without --image"
            )


def _leave(report: Report, rest: list[promotion.Promotion]) -> None:
    """Report the promotions that were not started because an earlier one was not promoted."""
    left = [one.service for one in rest]
    report.document["untouched"] = [{"stack": service.stack.name, "service": service.name} for service in left]
    if report.said and left:
        report.said += f"; not started: {', '.join(map(str, left))}"


def _released(report: Report, one: promotion.Promotion, past: Override | None, *, events: bool) -> dict[str, Any]:
    """Carry out one promotion, and return the report's document with its result."""
    before, service = report.document, one.service
    with service.stack.exclusive():
        catch_up(service)
        run = new_run(service, one.content, driver.now(), override=past)
        report.show(str(service), tables.plan(forecast.foresee(service.spec, run)), "")
        drive(
            report,
            service,
            act=lambda listen: driver.begin(service, run, listen),
            what=formatting.digest(one.content.image),
            events=events,
        )
    entry = {"stack": service.stack.name, "service": service.name, **report.document}
    return {**before, "promotions": [*before["promotions"], entry]}
