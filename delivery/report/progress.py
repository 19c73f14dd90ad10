"""How a running release is told to whoever started it: a live picture, plain lines, or JSON lines.

All of it goes to standard error; standard output belongs to the result. Nothing here asks for anything: a command that
waits for a key in CI waits for ever.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.live import Live

from delivery import formatting
from delivery.events import Event, Listener
from delivery.formatting import documents
from delivery.report.journal import Journal
from delivery.report.live_view import Heading, View

HEARTBEAT_SECONDS = 15.0
"""Between two plain lines of the same kind: CI ends jobs that stay silent, and nobody reads a line for each look."""

_REFRESHES_PER_SECOND = 4
_REPEATED = ("look", "update")
"""Kinds of event that come many times at one stage."""


@contextmanager
def watching(console: Console, heading: Heading, journal: Journal, *, events: bool = False) -> Generator[Listener]:
    """Return the listener for the driver; what it hears is shown until the block ends.

    Args:
        console: Standard error.
        heading: What is released where.
        journal: Hears everything too.
        events: One JSON document per line and event, for programs, instead of anything for people.
    """
    if events:
        yield _Both(journal, lambda event: _print_json(console, event))
    elif console.is_terminal:
        with Live(View(heading, journal), console=console, refresh_per_second=_REFRESHES_PER_SECOND):
            yield journal
    else:
        yield _Both(journal, PlainLines(console, journal))


class PlainLines:
    """One line for each thing that happened; of what repeats itself, one in :data:`HEARTBEAT_SECONDS`."""

    def __init__(self, console: Console, journal: Journal) -> None:
        self._console, self._journal = console, journal
        self._told: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Print the event, unless its like was printed just now."""
        now = self._journal.now
        if event.kind in _REPEATED:
            if now - self._told.get(event.kind, -HEARTBEAT_SECONDS) < HEARTBEAT_SECONDS:
                return
            self._told[event.kind] = now
        elif event.kind == "stage":
            self._told.clear()
        since = formatting.duration(now - self._journal.began)
        self._console.print(f"{since:>12}  {line(event)}", markup=False, highlight=False, soft_wrap=True)


def line(event: Event) -> str:
    """Say an event in one line."""
    place = f"[{event.index + 1}/{event.of}] " if event.kind == "stage" and event.of else ""
    stage = f"{place}{event.stage}" if event.stage else event.service
    asked = f"{formatting.count(event.samples)} of {formatting.count(event.wanted)} requests" if event.wanted else ""
    share = "" if event.share is None else f"{event.share:.1f} % of requests seen"
    said = ", ".join(
        part for part in (asked, share, "" if event.said == event.stage else event.said.replace("\n", " ")) if part
    )
    return f"{stage}: {event.kind}" + (f": {said}" if said else "")


def document(event: Event) -> dict[str, Any]:
    """Return an event for programs; nothing that it does not know."""
    known = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "kind": event.kind,
        "service": event.service,
        "stage": event.stage,
        "index": event.index if event.of else None,
        "of": event.of,
        "weight": event.weight if event.of else None,
        "said": event.said,
        "samples": event.samples,
        "wanted": event.wanted,
        "observedPercent": event.share,
        "checks": documents(event.checks),
        "run": event.run.id if event.run else None,
    }
    return {key: value for key, value in known.items() if value not in (None, "", {}) and (value or key in _ZEROS)}


_ZEROS = ("index", "weight", "observedPercent")
"""Where 0 says something."""


def _print_json(console: Console, event: Event) -> None:
    console.file.write(json.dumps(document(event)) + "\n")
    console.file.flush()


class _Both:
    """The journal first: what is printed after it may read it."""

    def __init__(self, journal: Journal, then: Callable[[Event], None]) -> None:
        self._journal, self._then = journal, then

    def __call__(self, event: Event) -> None:
        self._journal(event)
        self._then(event)
