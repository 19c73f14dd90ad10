"""Runs the driver for every command that moves a release: under the lock, with progress, and interruptible."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from rich.text import Text

from delivery import formatting
from delivery.commands.output import Report, progress_console
from delivery.errors import OF_OUTCOME, Busy, DeliveryError, ExitCode
from delivery.events import Listener
from delivery.lock import turn_back_request
from delivery.lock.actor import who
from delivery.lock.holder import Holder
from delivery.lock.signals import interrupt
from delivery.lock.turn_back_request import Asked, Request, Turn
from delivery.release.position import position
from delivery.release.service import Service
from delivery.release.stack import Stack
from delivery.report.journal import Journal
from delivery.report.live_view import Heading
from delivery.report.progress import watching
from delivery.run import driver
from models.delivery import Override

_PATIENCE_SECONDS = 10.0
"""How long to wait for an interrupted driver, which first finishes its current call."""
_POLL_SECONDS = 0.05

Act = Callable[[Listener], None]


def drive(report: Report, service: Service, *, act: Act, what: str, events: bool, steps: int | None = None) -> None:
    """Call ``act`` (begin, turn back), then carry out the release until it ends or waits.

    The caller holds the lock. ^C leaves the release at its current stage and reports that stage.
    """
    spec = service.spec
    heading = Heading(stack=service.stack.name, service=service.name, what=what, strategy=spec.release.strategy)
    journal = Journal(service.name, spec)
    try:
        with watching(progress_console(), heading, journal, events=events) as listen:
            outcome, asked = _carried(service, act, listen, steps)
    except KeyboardInterrupt:
        report.document = _document(service, journal, "interrupted")
        report.fail(interruption(service), ExitCode.INTERRUPTED)
        return
    report.document = _document(service, journal, outcome.result)
    said = outcome.said if outcome.said.startswith(outcome.result) else f"{outcome.result}: {outcome.said}"
    report.document["said"] = said
    if asked is not None:  # the caller of this command expected a different outcome
        report.fail(f"{service}: {said} (requested by {asked.by})", outcome.exit_code or ExitCode.INTERRUPTED)
    elif outcome.exit_code:
        report.fail(f"{service}: {said}", outcome.exit_code)
    else:
        report.show(Text(f"{service}: {said}", style="green"))


def _carried(service: Service, act: Act, listen: Listener, steps: int | None) -> tuple[driver.Outcome, Request | None]:
    """Call ``act`` and carry out the release; on a request from another machine, turn back and answer the request."""
    service.stack.lock.driving = service.name
    try:
        act(listen)
        return driver.go(service, listen, steps=steps), None
    except KeyboardInterrupt:
        request = service.stack.lock.asked(service.name)
        if request is None:
            raise
    blame = request.turn == "rolled back"
    driver.turn_back(service, request.turn, request.reason, blame=blame)
    outcome = driver.go(service, listen)
    service.stack.lock.answer(outcome.result, outcome.said)
    return outcome, request


def overridden(reason: str | None) -> Override | None:
    """Return the override that ``--override`` asks for, with its author and time; None without the option."""
    return Override(reason=reason, by=who(), at=driver.now()) if reason else None


def interruption(service: Service) -> str:
    """Describe the state after ^C and the two commands that can follow."""
    at = position(service, service.record(), driver=None, now=driver.now())
    if at.stage is None:
        return f"interrupted: no release of {service.name} is under way; {service.stack.file.path.name} shows what runs"
    release = at.stage.release
    to_new = f"{release.canary} gets {release.weight} % of the requests, " if release.canary else ""
    return (
        f"interrupted at {at.stage.title} ({at.index + 1} of {len(at.stages)}): {to_new}{release.live} is live; "
        f"the release stays at this stage; to continue: slipway resume {service}; to go back: slipway abort {service}"
    )


def _document(service: Service, journal: Journal, result: str) -> dict[str, Any]:
    delivery = service.record()
    image = (journal.run.target.image or journal.run.image) if journal.run else None
    spoken = [v for v in delivery.verdicts if journal.run and v.began == journal.run.began]
    past = [one for one in delivery.history if journal.run and one.id == journal.run.id]
    newest = spoken[-1].document() if spoken else None
    return {
        "result": result,
        "image": past[-1].image if past else image,
        "config": past[-1].config if past else None,
        "reason": journal.reason or None,
        **journal.document(),
        "verdict": newest,
    }


def elsewhere(stack: Stack, request: Request) -> Asked:
    """Ask a driver on another machine or in another checkout to turn back; return at once if there is none."""
    if stack.holder() is not None:
        return Asked()  # a driver of this checkout: `seized` stops it sooner
    lease = stack.lock.elsewhere()
    if lease is None:
        return Asked()

    def told(holder: Holder) -> None:
        progress_console().print(f"{stack.name}: asked {holder} to turn back", markup=False, soft_wrap=True)

    return turn_back_request.ask(lease, request, told, stack.lock.gone())


def handed_over(report: Report, stack: Stack, asked: Asked, turn: Turn) -> bool:
    """Report what the asked driver has done; return False if no driver answered, so that this process has to act."""
    if asked.answer is None:
        return False
    said = f"{stack.name} {report.service}: {asked.answer.said} (by {asked.holder})"
    report.document |= {"result": asked.answer.result, "said": asked.answer.said, "by": str(asked.holder)}
    if asked.answer.result == turn:
        report.show(Text(said, style="green"))
    else:
        report.fail(said, OF_OUTCOME.get(asked.answer.result, DeliveryError.exit_code))
    return True


@contextmanager
def seized(stack: Stack, past: str | None = None) -> Generator[None]:
    """Acquire the stack lock after interrupting a driver of this checkout and its Pulumi update, as ^C would.

    The record keeps the driver's last position. ``past`` is the identity of an unresponsive driver elsewhere, which is
    fenced off. Raises Busy if the driver of this checkout does not stop.
    """
    holder = stack.holder()
    if holder:
        interrupt(holder)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while stack.holder() == holder:
            if time.monotonic() > deadline:
                patience = formatting.duration(_PATIENCE_SECONDS)
                raise Busy(
                    f"stack {stack.name}: process {holder} did not stop within {patience}; kill it, then run the "
                    "command again"
                )
            time.sleep(_POLL_SECONDS)
    with stack.exclusive(past):
        yield
