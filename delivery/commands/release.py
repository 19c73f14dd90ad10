"""Commands that move a release."""

from typing import Annotated

import typer

from delivery import formatting
from delivery.commands import slot_options
from delivery.commands.drive import drive, elsewhere, handed_over, overridden, seized
from delivery.commands.options import (
    CHANGING,
    AsEvents,
    AsJson,
    Checksum,
    Files,
    Image,
    Model,
    Overriding,
    Reason,
    Server,
    ServiceName,
    StackName,
)
from delivery.commands.output import opened_service, reported
from delivery.errors import ExitCode
from delivery.events import Listener
from delivery.lock.actor import who
from delivery.lock.turn_back_request import Request
from delivery.release import records
from delivery.release.new_run import new_run
from delivery.release.takeover import catch_up
from delivery.report import forecast, tables
from delivery.run import driver
from delivery.run import rollback as way_back

app = typer.Typer()

Manual = Annotated[bool, typer.Option("--manual", help="Wait for `slipway step` before each step.")]


@app.command(rich_help_panel=CHANGING)
def release(
    context: typer.Context,
    stack: StackName,
    service: ServiceName,
    image: Image = None,
    model: Model = None,
    checksum: Checksum = None,
    files: Files = None,
    server: Server = None,
    manual: Manual = False,
    override: Overriding = None,
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Release a new version: fill the other slot, move traffic in steps, judge each step, and go back if one fails.

    Options that you leave out keep the live slot's value. Without --image, the building environment builds the image.
    A release in progress is superseded. Exit: 0 promoted, 3 rolled back, 4 inconclusive, 5 waits for a person.

    Example: slipway release prod classifier --image registry.example.com/classifier@sha256:…
    """
    with reported("release", stack, service, as_json=as_json) as report:
        chosen = opened_service(context, stack, service)
        asked = slot_options.Asked(image=image, model=model, checksum=checksum, files=files, server=server or ())
        target = slot_options.target(chosen, asked)
        with chosen.stack.exclusive():
            if catch_up(chosen):
                target = slot_options.target(chosen, asked)
            run = new_run(chosen, target, driver.now(), manual=manual, override=overridden(override))
            planned = forecast.foresee(chosen.spec, run)
            report.show(tables.plan(planned), "")
            drive(
                report,
                chosen,
                act=lambda listen: driver.begin(chosen, run, listen),
                what=formatting.digest(target.image),
                events=events,
            )
            report.document["plan"] = planned.document()


@app.command(rich_help_panel=CHANGING)
def step(
    context: typer.Context, stack: StackName, service: ServiceName, as_json: AsJson = False, events: AsEvents = False
) -> None:
    """Carry out the next step of a manual release: move traffic once and judge the result.

    Example: slipway step prod classifier
    """
    _carry_on("step", context, stack, service, as_json=as_json, events=events, steps=1)


@app.command(rich_help_panel=CHANGING)
def resume(
    context: typer.Context, stack: StackName, service: ServiceName, as_json: AsJson = False, events: AsEvents = False
) -> None:
    """Continue a release whose driver ended for any reason. Also empties an old slot that was kept warm.

    Example: slipway resume prod classifier
    """
    _carry_on("resume", context, stack, service, as_json=as_json, events=events)


def _carry_on(
    command: str,
    context: typer.Context,
    stack: str,
    service: str,
    *,
    as_json: bool,
    events: bool,
    steps: int | None = None,
) -> None:
    with reported(command, stack, service, as_json=as_json) as report:
        chosen = opened_service(context, stack, service)
        with chosen.stack.exclusive():
            catch_up(chosen)
            _, run = records.under_way(chosen)
            drive(
                report,
                chosen,
                act=lambda _: None,
                what=formatting.digest(run.target.image),
                events=events,
                steps=steps,
            )


@app.command(rich_help_panel=CHANGING)
def abort(
    context: typer.Context,
    stack: StackName,
    service: ServiceName,
    reason: Reason = "aborted by hand",
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Abort the release under way: move all traffic back, then empty the new slot. The version is not marked as failed.

    A running driver is stopped first, on any machine that uses the same cluster.

    Example: slipway abort prod classifier --reason "wrong model"
    """
    with reported("abort", stack, service, as_json=as_json) as report:
        chosen = opened_service(context, stack, service)
        if chosen.stack.holder() is not None:
            records.under_way(chosen)  # fail here rather than stop a driver without a release to abort
        asked = elsewhere(chosen.stack, Request(service=service, turn="aborted", reason=reason, by=who()))
        if handed_over(report, chosen.stack, asked, "aborted"):
            return
        with seized(chosen.stack, asked.past):
            catch_up(chosen)
            _, run = records.under_way(chosen)
            drive(
                report,
                chosen,
                act=lambda _: driver.turn_back(chosen, "aborted", reason),
                what=formatting.digest(run.target.image),
                events=events,
            )


@app.command(rich_help_panel=CHANGING)
def rollback(
    context: typer.Context,
    stack: StackName,
    service: ServiceName,
    reason: Reason = "rolled back by hand",
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Return to the previous version and hold the current one: no release takes it until you remove the hold.

    During a release, or while the old slot is still warm, the old slot gets all traffic immediately. Later, the version
    that was promoted before is released again in one step, without a gate. A running driver is stopped first.

    Example: slipway rollback prod classifier --reason "wrong answers on rotated pictures"
    """
    with reported("rollback", stack, service, as_json=as_json) as report:
        chosen = opened_service(context, stack, service)
        asked = elsewhere(chosen.stack, Request(service=service, turn="rolled back", reason=reason, by=who()))
        if handed_over(report, chosen.stack, asked, "rolled back"):
            return
        with seized(chosen.stack, asked.past):
            catch_up(chosen)
            run = chosen.record().run
            back = None if run else way_back.version_before(chosen)

            def act(listen: Listener) -> None:
                if back is None:
                    way_back.turn_back(chosen, reason)
                else:
                    way_back.begin(chosen, back, listen, reason)

            left = run.target.image if run else back and back.image
            drive(report, chosen, act=act, what=formatting.digest(left), events=events)
            if report.exit_code == ExitCode.ROLLED_BACK:  # the outcome that the user asked for
                report.succeed()


@app.command(rich_help_panel=CHANGING)
def approve(
    context: typer.Context,
    stack: StackName,
    service: ServiceName,
    reason: Reason,
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Approve the step at which a release waits, and continue.

    Example: slipway approve prod classifier --reason "looked at the sampled answers"
    """
    with reported("approve", stack, service, as_json=as_json) as report:
        chosen = opened_service(context, stack, service)
        with chosen.stack.exclusive():
            catch_up(chosen)
            _, run = records.under_way(chosen)
            records.approve(chosen, reason=reason, by=who(), now=driver.now())
            drive(report, chosen, act=lambda _: None, what=formatting.digest(run.target.image), events=events)
            report.document["approval"] = {"by": who(), "reason": reason}
