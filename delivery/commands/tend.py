"""`slipway tend`: what a schedule runs, so that no release is left alone halfway."""

import typer
from rich.text import Text

from delivery import formatting
from delivery.commands.drive import drive
from delivery.commands.options import CHANGING, AnyService, AsEvents, AsJson, Stack
from delivery.commands.output import Report, chosen_services, opened, reported
from delivery.errors import Busy
from delivery.events import Listener
from delivery.release import unattended
from delivery.release.stack import Session
from delivery.release.takeover import catch_up
from delivery.release.unattended import Tended
from delivery.run import driver

app = typer.Typer()

WAITS = driver.EXIT["waiting"]


@app.command(rich_help_panel=CHANGING)
def tend(
    context: typer.Context,
    stack: Stack,
    service: AnyService = None,
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Carry on, or turn back, a release that no driver has worked on for `release.unattended`; made for cron.

    The entry says which (`release.whenUnattended`). A way back is always finished, and an old slot that was kept warm
    long enough is emptied. What waits for a person goes on waiting. Exit 0 where there was nothing to do.

    Example: slipway tend prod
    """
    with reported("tend", stack, service, as_json=as_json) as report:
        session = opened(context, stack)
        services = {name: look(session, name) for name in chosen_services(session, service)}
        report.document["services"] = {name: found.document() for name, found in services.items()}
        due = [found for found in services.values() if found.act]
        if not due:
            said = "; ".join(f"{found.service}: {found.said}" for found in services.values())
            report.show(f"{stack}: nothing to do: {said}")
        for found in due:
            tended(report, session, found, events=events)


def look(session: Session, service: str) -> Tended:
    """Say what is due now."""
    return unattended.look(session, service, driver=session.owner(), seen=session.lock.seen(), now=driver.now())


def tended(report: Report, session: Session, found: Tended, *, events: bool) -> None:
    """Do what is due, if nobody else does it; that somebody else does is as good."""
    before, service = report.document, found.service
    try:
        with session.exclusive():
            catch_up(session, service)
            again = unattended.look(session, service, driver=None, seen=session.lock.held_lease, now=driver.now())
            if again.act is None:
                return
            report.show(f"{session.stack} {service}: {again.said}")
            run = session.delivery(service).run

            def act(_: Listener) -> None:
                if again.act == "return":
                    driver.turn_back(session, service, "aborted", again.said)

            drive(report, session, service, act=act, what=formatting.digest(run and run.target.image), events=events)
    except Busy as busy:
        report.show(Text(f"{session.stack} {service}: nothing to do: {busy}"))
    after, report.document = report.document, before
    report.document["services"][service] |= {"result": after.get("result"), "outcome": after.get("said")}
    if report.exit_code == WAITS:  # a person is asked, which is no failure of a schedule
        report.succeed()
