"""Commands that move a release."""

from pathlib import Path
from typing import Annotated

import typer

from delivery import formatting
from delivery.commands import slot_options
from delivery.commands.drive import drive, elsewhere, handed_over, seized
from delivery.commands.options import CHANGING, AsEvents, AsJson, Image, Overriding, Reason, Service, Stack
from delivery.commands.output import opened, reported
from delivery.errors import DeliveryError
from delivery.events import Listener
from delivery.lock.actor import who
from delivery.lock.turn_back_request import Request
from delivery.release import records
from delivery.release.stack import Session
from delivery.release.takeover import catch_up
from delivery.report import forecast, tables
from delivery.run import driver
from delivery.run import rollback as way_back
from models.delivery import Override, Run

app = typer.Typer()

ROLLED_BACK = driver.EXIT["rolled back"]

Model = Annotated[str | None, typer.Option("--model", metavar="URI", help="Another model.", show_default=False)]
Checksum = Annotated[
    str | None, typer.Option("--checksum", metavar="sha256:…", help="Of the model's SHA256SUMS.", show_default=False)
]
Files = Annotated[
    Path | None,
    typer.Option("--files", metavar="DIR", help="Its files replace the entry's of their names.", show_default=False),
]
Server = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="KEY=VALUE", help="A server setting; may be repeated.", show_default=False),
]
Manual = Annotated[bool, typer.Option("--manual", help="Each step waits for `slipway step`.")]


@app.command(rich_help_panel=CHANGING)
def release(  # noqa: PLR0913, PLR0917 -- one for each option
    context: typer.Context,
    stack: Stack,
    service: Service,
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
    """Release a new version: fill the other slot, move traffic step by step, judge each step, or go back.

    What is not named stays as in the live slot. Without --image, the environment that builds builds it from the tree.
    A release under way is superseded. Exit: 0 promoted, 3 rolled back, 4 inconclusive, 5 waits for somebody.

    Example: slipway release prod classifier --image registry.example.com/classifier@sha256:…
    """
    with reported("release", stack, service, as_json=as_json) as report:
        session = opened(context, stack)
        asked = slot_options.Asked(image=image, model=model, checksum=checksum, files=files, server=server or ())
        target = slot_options.target(session, service, asked)
        past = Override(reason=override, by=who(), at=driver.now()) if override else None
        with session.exclusive():
            if catch_up(session, service):
                target = slot_options.target(session, service, asked)
            run = records.new_run(session, service, target, driver.now(), manual=manual, override=past)
            planned = forecast.foresee(session.service_spec(service), run)
            report.show(tables.plan(planned), "")
            drive(
                report,
                session,
                service,
                act=lambda listen: driver.begin(session, service, run, listen),
                what=formatting.digest(target.image),
                events=events,
            )
            report.document["plan"] = planned.document()


@app.command(rich_help_panel=CHANGING)
def step(
    context: typer.Context, stack: Stack, service: Service, as_json: AsJson = False, events: AsEvents = False
) -> None:
    """Carry out the next step of a manual release: one move of traffic, and its verdict.

    Example: slipway step prod classifier
    """
    _carry_on("step", context, stack, service, as_json=as_json, events=events, steps=1)


@app.command(rich_help_panel=CHANGING)
def resume(
    context: typer.Context, stack: Stack, service: Service, as_json: AsJson = False, events: AsEvents = False
) -> None:
    """Carry on a release whose driver ended, however that happened; also empties an old slot that was kept warm.

    Example: slipway resume prod classifier
    """
    _carry_on("resume", context, stack, service, as_json=as_json, events=events)


def under_way(session: Session, service: str) -> Run:
    """Give the release that is under way; raises DeliveryError if there is none."""
    session.service_spec(service)
    run = session.delivery(service).run
    if run is None:
        raise DeliveryError(
            f"{session.stack} {service}: no release is under way; those that were: "
            f"slipway history {session.stack} {service}"
        )
    return run


def _carry_on(  # noqa: PLR0913 -- one for each option
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
        session = opened(context, stack)
        session.service_spec(service)
        with session.exclusive():
            catch_up(session, service)
            run = under_way(session, service)
            drive(
                report,
                session,
                service,
                act=lambda _: None,
                what=formatting.digest(run.target.image),
                events=events,
                steps=steps,
            )


@app.command(rich_help_panel=CHANGING)
def abort(  # noqa: PLR0913, PLR0917 -- one for each option
    context: typer.Context,
    stack: Stack,
    service: Service,
    reason: Reason = "aborted by hand",
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Give up the release under way: all traffic back at once, then the new slot is emptied. Nothing is blamed.

    A driver that runs is stopped first.

    Example: slipway abort prod classifier --reason "wrong model"
    """
    with reported("abort", stack, service, as_json=as_json) as report:
        session = opened(context, stack)
        if session.holder() is not None:
            under_way(session, service)  # a driver is not stopped in vain
        asked = elsewhere(session, Request(service=service, turn="aborted", reason=reason, by=who()))
        if handed_over(report, session, asked, "aborted"):
            return
        with seized(session, asked.past):
            catch_up(session, service)
            run = under_way(session, service)
            drive(
                report,
                session,
                service,
                act=lambda _: driver.turn_back(session, service, "aborted", reason),
                what=formatting.digest(run.target.image),
                events=events,
            )


@app.command(rich_help_panel=CHANGING)
def rollback(  # noqa: PLR0913, PLR0917 -- one for each option
    context: typer.Context,
    stack: Stack,
    service: Service,
    reason: Reason = "rolled back by hand",
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Go back to the version before, and hold the one that is left: its evidence is revoked, automation stays off it.

    While a release is under way or its old slot is warm, the old slot gets the traffic at once. Later the version that
    was promoted before is released again, all at once and unjudged. A driver that runs is stopped first.

    Example: slipway rollback prod classifier --reason "wrong answers on rotated pictures"
    """
    with reported("rollback", stack, service, as_json=as_json) as report:
        session = opened(context, stack)
        session.service_spec(service)
        asked = elsewhere(session, Request(service=service, turn="rolled back", reason=reason, by=who()))
        if handed_over(report, session, asked, "rolled back"):
            return
        with seized(session, asked.past):
            catch_up(session, service)
            run = session.delivery(service).run
            back = None if run else way_back.version_before(session, service)

            def act(listen: Listener) -> None:
                if back is None:
                    way_back.turn_back(session, service, reason)
                else:
                    way_back.begin(session, service, back, listen, reason)

            left = run.target.image if run else back and back.image
            drive(report, session, service, act=act, what=formatting.digest(left), events=events)
            if report.exit_code == ROLLED_BACK:  # as was asked
                report.succeed()


@app.command(rich_help_panel=CHANGING)
def approve(  # noqa: PLR0913, PLR0917 -- one for each option
    context: typer.Context,
    stack: Stack,
    service: Service,
    reason: Reason,
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Agree to the step at which a release waits, and carry on.

    Example: slipway approve prod classifier --reason "looked at the sampled answers"
    """
    with reported("approve", stack, service, as_json=as_json) as report:
        session = opened(context, stack)
        session.service_spec(service)
        with session.exclusive():
            catch_up(session, service)
            run = under_way(session, service)
            records.approve(session, service, reason=reason, by=who(), now=driver.now())
            drive(report, session, service, act=lambda _: None, what=formatting.digest(run.target.image), events=events)
            report.document["approval"] = {"by": who(), "reason": reason}
