"""How every command that moves a release runs the driver: under the lock, watched, and interruptible."""

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from rich.text import Text

from delivery import driver, words
from delivery.commands.reporting import INTERRUPTED, Report, progress_console
from delivery.errors import Busy
from delivery.events import Listener
from delivery.journal import Journal
from delivery.position import position
from delivery.session import Session
from delivery.telling import watching
from delivery.view import Heading

_PATIENCE_SECONDS = 10.0
"""For a driver that was asked to stop: it has to end its present call."""
_POLL_SECONDS = 0.05

Act = Callable[[Listener], None]


def drive(  # noqa: PLR0913 -- what, where, and how it is told
    report: Report, session: Session, service: str, *, act: Act, what: str, events: bool, steps: int | None = None
) -> None:
    """Do ``act`` (begin, turn back), then carry the release on until it ends or waits.

    The caller holds the lock. ^C leaves the release where it is and says so.
    """
    spec = session.service_spec(service)
    heading = Heading(stack=session.stack, service=service, what=what, strategy=spec.release.strategy)
    journal = Journal(service, spec)
    try:
        with watching(progress_console(), heading, journal, events=events) as listen:
            act(listen)
            outcome = driver.go(session, service, listen, steps=steps)
    except KeyboardInterrupt:
        report.document = _document(session, service, journal, "interrupted")
        report.fail(interruption(session, service), INTERRUPTED)
        return
    report.document = _document(session, service, journal, outcome.result)
    said = outcome.said if outcome.said.startswith(outcome.result) else f"{outcome.result}: {outcome.said}"
    report.document["said"] = said
    if outcome.exit_code:
        report.fail(f"{session.stack} {service}: {said}", outcome.exit_code)
    else:
        report.show(Text(f"{session.stack} {service}: {said}", style="green"))


def interruption(session: Session, service: str) -> str:
    """Say what is true after ^C, and the two commands that there are."""
    spec, delivery, target = session.service_spec(service), session.delivery(service), f"{session.stack} {service}"
    at = position(session.stack, service, spec, delivery, driver=None, now=driver.now())
    if at.stage is None:
        return f"interrupted: no release of {service} is under way; {session.file.path.name} says what runs"
    release = at.stage.release
    to_new = f"{release.canary} gets {release.weight} % of the requests, " if release.canary else ""
    return (
        f"interrupted at {at.stage.title} ({at.index + 1} of {len(at.stages)}): {to_new}{release.live} is live; "
        f"nothing moves until somebody says so; go on: slipway resume {target}; go back: slipway abort {target}"
    )


def _document(session: Session, service: str, journal: Journal, result: str) -> dict[str, Any]:
    delivery = session.delivery(service)
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


@contextmanager
def seized(session: Session) -> Generator[None]:
    """Hold the stack, for who may not wait: a driver that works on it is told to stop, and its update too, as by ^C.

    Its record says where it was. Raises Busy if it does not stop, or works on another machine.
    """
    holder = session.holder()
    if holder:
        interrupt(holder)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while session.holder() == holder:
            if time.monotonic() > deadline:
                patience = words.duration(_PATIENCE_SECONDS)
                raise Busy(
                    f"stack {session.stack}: pid {holder} did not stop in {patience}; kill it, then say this again"
                )
            time.sleep(_POLL_SECONDS)
    with session.exclusive():
        yield


def interrupt(driver_id: int) -> None:
    """Send the signal that a terminal would send to both; the driver first, or it takes the update for a failed one."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(driver_id)
        engines = [child for child in process.children(recursive=True) if child.name() == "pulumi"]
        process.send_signal(signal.SIGINT)
        for engine in engines:
            with suppress(psutil.NoSuchProcess):
                engine.send_signal(signal.SIGINT)
