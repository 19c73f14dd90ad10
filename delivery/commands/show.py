"""Commands that show the state of a stack and change nothing."""

import time
from typing import Annotated

import typer
from rich.live import Live

from delivery.commands import slot_options
from delivery.commands.options import (
    LOOKING,
    AnyService,
    AsJson,
    Checksum,
    Files,
    Image,
    Model,
    Server,
    ServiceName,
    StackName,
)
from delivery.commands.output import chosen_services, console, opened, opened_service, reported
from delivery.release.new_run import new_run
from delivery.report import forecast, status, tables
from delivery.report.pending import pending
from delivery.run import driver

app = typer.Typer()

_WATCH_SECONDS = 2.0
"""Time between two refreshes; reading Pulumi's outputs takes a second."""


@app.command("status", rich_help_panel=LOOKING)
def show_status(
    context: typer.Context,
    stack: StackName,
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh until you press ^C.")] = False,
) -> None:
    """Show what is declared, deployed and in the cluster, whether they agree, and what would happen next.

    Accurate at any time, even after the driver was killed. A source that does not answer is shown as unknown.

    Example: slipway status prod --watch
    """
    with reported("status", stack, as_json=as_json) as report:
        opened_stack = opened(context, stack)
        if watch and not as_json and console().is_terminal:
            with Live(tables.status(status.look(opened_stack)), console=console()) as live:
                while True:
                    time.sleep(_WATCH_SECONDS)
                    live.update(tables.status(status.look(opened_stack)))
        found = status.look(opened_stack)
        report.document = found.document()
        report.show(tables.status(found))


@app.command("diff", rich_help_panel=LOOKING)
def show_difference(
    context: typer.Context, stack: StackName, service: AnyService = None, as_json: AsJson = False
) -> None:
    """Show how each live slot differs from the working tree, field by field, and the command that applies the changes.

    Exits with 0 whether or not there is a difference.

    Example: slipway diff prod classifier
    """
    with reported("diff", stack, service, as_json=as_json) as report:
        opened_stack = opened(context, stack)
        outputs = opened_stack.outputs()
        found = [pending(one, outputs) for one in chosen_services(opened_stack, service)]
        report.document["services"] = {one.service: one.document() for one in found}
        for one in found:
            report.show(tables.difference(one), "")


@app.command(rich_help_panel=LOOKING)
def history(context: typer.Context, stack: StackName, service: AnyService = None, as_json: AsJson = False) -> None:
    """Show past releases, newest first, with every override and its author.

    Example: slipway history prod classifier
    """
    with reported("history", stack, service, as_json=as_json) as report:
        chosen = chosen_services(opened(context, stack), service)
        ended = [(one.name, past) for one in chosen for past in one.record().history]
        ended.sort(key=lambda pair: pair[1].ended, reverse=True)
        report.document["history"] = [{"service": name, **past.document()} for name, past in ended]
        report.show(tables.history(ended) if ended else f"{stack}: no release has ended yet")


@app.command(rich_help_panel=LOOKING)
def plan(
    context: typer.Context,
    stack: StackName,
    service: ServiceName,
    image: Image = None,
    model: Model = None,
    checksum: Checksum = None,
    files: Files = None,
    server: Server = None,
    as_json: AsJson = False,
) -> None:
    """Show what a release would do: pods, peak resources, criteria and time of each stage.

    Refuses what `slipway release` would refuse. Without options, plans the live version with the pending changes.

    Example: slipway plan prod classifier --image registry.example.com/classifier@sha256:…
    """
    with reported("plan", stack, service, as_json=as_json) as report:
        chosen = opened_service(context, stack, service)
        spec = chosen.spec
        asked = slot_options.Asked(image=image, model=model, checksum=checksum, files=files, server=server or ())
        target = slot_options.target(chosen, asked) if asked != slot_options.Asked() else slot_options.unnamed(chosen)
        foreseen = forecast.foresee(spec, new_run(chosen, target, driver.now()))
        found = pending(chosen, chosen.stack.outputs())
        report.document.update({**foreseen.document(), "difference": found.document()})
        report.show(tables.difference(found), "", tables.plan(foreseen))
