"""Commands about evidence: hold an image, remove a hold, judge the live version again."""

from typing import Annotated

import typer
from rich.text import Text

from delivery import formatting
from delivery.commands import slot_options
from delivery.commands.options import VOUCHING, AnyService, AsJson, Reason, ServiceName, StackName
from delivery.commands.output import Report, chosen_services, opened, opened_service, reported
from delivery.errors import ExitCode
from delivery.lock.actor import who
from delivery.release import holds
from delivery.release.service import Service
from delivery.release.takeover import catch_up
from delivery.report.live_view import RESULTS, checks_table
from delivery.run import driver, recheck
from models.delivery import Note, ServiceDelivery

app = typer.Typer()

HeldImage = Annotated[
    str,
    typer.Argument(
        metavar="REF@sha256:…", help="Image by digest; the hold covers every configuration.", show_default=False
    ),
]
Window = Annotated[
    int,
    typer.Option(
        "--window",
        metavar="SECONDS",
        min=1,
        help="How far back to count requests; with metrics: direct, how long to watch.",
    ),
]


@app.command(rich_help_panel=VOUCHING)
def hold(
    context: typer.Context,
    stack: StackName,
    service: ServiceName,
    image: HeldImage,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Hold an image: no release or promotion takes it until you remove the hold with `slipway release-hold`.

    Example: slipway hold prod classifier registry.example.com/classifier@sha256:… --reason "leaks memory"
    """
    with reported("hold", stack, service, as_json=as_json) as report:
        chosen, named = opened_service(context, stack, service), slot_options.by_digest(image)
        with chosen.stack.exclusive():
            catch_up(chosen)
            delivery = chosen.record()
            held = holds.hold(delivery, named, Note(reason, by=who(), at=driver.now()))
            declare(report, chosen, held, f"{formatting.digest(named)} is held: {reason}")


@app.command("release-hold", rich_help_panel=VOUCHING)
def release_hold(
    context: typer.Context, stack: StackName, service: ServiceName, image: HeldImage, as_json: AsJson = False
) -> None:
    """Remove the hold on an image. The image can be released again, but needs new evidence.

    Example: slipway release-hold prod classifier registry.example.com/classifier@sha256:…
    """
    with reported("release-hold", stack, service, as_json=as_json) as report:
        chosen, named = opened_service(context, stack, service), slot_options.by_digest(image)
        with chosen.stack.exclusive():
            catch_up(chosen)
            free = holds.let_go(chosen.record(), named, stack=stack, service=service)
            declare(report, chosen, free, f"{formatting.digest(named)} can be released again")


@app.command(rich_help_panel=VOUCHING)
def check(
    context: typer.Context, stack: StackName, service: AnyService = None, window: Window = 600, as_json: AsJson = False
) -> None:
    """Judge the live version by its latest requests. A failure revokes its evidence; a pass adds missing evidence.

    Exit: 0 passed, 3 failed, 4 too few requests to tell or no answer from the metrics source.

    Example: slipway check staging classifier --window 1800
    """
    with reported("check", stack, service, as_json=as_json) as report:
        opened_stack = opened(context, stack)
        chosen = chosen_services(opened_stack, service)
        with opened_stack.exclusive():
            for one in chosen:
                catch_up(one)
            found = [recheck.check(one, window, driver.now()) for one in chosen]
            if any(one.change for one in found):
                opened_stack.update(lambda _: None)  # the next environment reads outputs, not this file
        report.document["services"] = {one.service: one.document() for one in found}
        for one in found:
            head = f"{stack} {one.service}: {one.result}" + (f", {one.change}" if one.change else "")
            report.show(Text(head, style=RESULTS[one.result]), checks_table(one.look.checks))
        bad = [one for one in found if one.result != "pass"]
        if bad:
            said = "; ".join(f"{one.service}: {one.result}: {one.look.said}" for one in bad)
            failed = any(one.result == "fail" for one in bad)
            report.fail(f"{stack} {said}", ExitCode.ROLLED_BACK if failed else ExitCode.INCONCLUSIVE)


def declare(report: Report, service: Service, delivery: ServiceDelivery, said: str) -> None:
    """Write a record that changes no release, and export it: the next environment reads outputs, not this file."""
    service.write(service.release(), delivery)
    service.stack.update(lambda _: None)
    report.document["holds"] = [held.document() for held in delivery.holds]
    report.show(f"{service}: {said}")
