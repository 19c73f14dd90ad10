"""`slipway tend`: runs on a schedule and takes care of releases that no driver works on."""

import typer
from rich.text import Text

from delivery import formatting
from delivery.commands.drive import drive
from delivery.commands.options import CHANGING, AnyService, AsEvents, AsJson, StackName
from delivery.commands.output import Report, chosen_services, opened, reported
from delivery.errors import Busy, ExitCode
from delivery.events import Listener
from delivery.release import unattended
from delivery.release.service import Service
from delivery.release.takeover import catch_up
from delivery.release.unattended import Tended
from delivery.run import driver

app = typer.Typer()


@app.command(rich_help_panel=CHANGING)
def tend(
    context: typer.Context,
    stack: StackName,
    service: AnyService = None,
    as_json: AsJson = False,
    events: AsEvents = False,
) -> None:
    """Continue or abort a release that no driver has worked on for `release.unattended`. Run it on a schedule.

    `release.whenUnattended` in the entry decides which. A rollback is always finished, and an old slot is emptied when
    its warm time is over. A release that waits for a person keeps waiting. Exits with 0 if there was nothing to do.

    Example: slipway tend prod
    """
    with reported("tend", stack, service, as_json=as_json) as report:
        opened_stack = opened(context, stack)
        services = {one.name: look(one) for one in chosen_services(opened_stack, service)}
        report.document["services"] = {name: found.document() for name, found in services.items()}
        due = [found for found in services.values() if found.act]
        if not due:
            said = "; ".join(f"{found.service}: {found.said}" for found in services.values())
            report.show(f"{stack}: nothing to do: {said}")
        for found in due:
            tended(report, Service(opened_stack, found.service), events=events)


def look(service: Service) -> Tended:
    """Return what is due for a service now."""
    return unattended.look(service, driver=service.stack.owner(), seen=service.stack.lock.seen(), now=driver.now())


def tended(report: Report, service: Service, *, events: bool) -> None:
    """Do what is due; if another ``slipway`` process works on the stack, report that and do nothing."""
    before = report.document
    try:
        with service.stack.exclusive():
            catch_up(service)
            again = unattended.look(service, driver=None, seen=service.stack.lock.held_lease, now=driver.now())
            if again.act is None:
                return
            report.show(f"{service}: {again.said}")
            run = service.record().run

            def act(_: Listener) -> None:
                if again.act == "return":
                    driver.turn_back(service, "aborted", again.said)

            drive(report, service, act=act, what=formatting.digest(run and run.target.image), events=events)
    except Busy as busy:
        report.show(Text(f"{service}: nothing to do: {busy}"))
    after, report.document = report.document, before
    report.document["services"][service.name] |= {"result": after.get("result"), "outcome": after.get("said")}
    if report.exit_code == ExitCode.WAITING:  # waiting for a person is not a failure of the schedule
        report.succeed()
