"""Shows a running release as a live view, plain lines or JSON lines.

Progress goes to standard error, because standard output is for the result. Nothing here prompts for input: in CI, a
command that waits for a key waits forever.
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
"""Minimum time between two plain lines of the same kind. CI ends silent jobs, but a line for each look is too much."""

_REFRESHES_PER_SECOND = 4
_REPEATED = ("look", "update")
"""Kinds of events that occur many times at one stage."""


@contextmanager
def watching(console: Console, heading: Heading, journal: Journal, *, events: bool = False) -> Generator[Listener]:
    """Yield the listener for the driver, and show the events that it receives until the block ends.

    Args:
        console: Console for standard error.
        heading: What is released, and where.
        journal: Receives every event too.
        events: Print each event as one line of JSON for programs, and nothing for people.
    """
    if events:
        yield _Both(journal, lambda event: _print_json(console, event))
    elif console.is_terminal:
        with Live(View(heading, journal), console=console, refresh_per_second=_REFRESHES_PER_SECOND):
            yield journal
    else:
        yield _Both(journal, PlainLines(console, journal))


class PlainLines:
    """Prints one line for each event; for repeated events, at most one line every :data:`HEARTBEAT_SECONDS`."""

    def __init__(self, console: Console, journal: Journal) -> None:
        self._console, self._journal = console, journal
        self._told: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Print the event, unless it is a repeated one whose kind was printed recently."""
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
    """Format an event as one line."""
    place = f"[{event.index + 1}/{event.of}] " if event.kind == "stage" and event.of else ""
    stage = f"{place}{event.stage}" if event.stage else event.service
    asked = f"{formatting.count(event.samples)} of {formatting.count(event.wanted)} requests" if event.wanted else ""
    share = "" if event.share is None else f"{event.share:.1f} % of requests observed"
    said = ", ".join(
        part for part in (asked, share, "" if event.said == event.stage else event.said.replace("\n", " ")) if part
    )
    return f"{stage}: {event.kind}" + (f": {said}" if said else "")


def document(event: Event) -> dict[str, Any]:
    """Return an event as JSON data, without the fields that the event does not set."""
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
"""Fields in which 0 is a meaningful value."""


def _print_json(console: Console, event: Event) -> None:
    console.file.write(json.dumps(document(event)) + "\n")
    console.file.flush()


class _Both:
    """Passes each event to the journal first, because the second listener may read the journal."""

    def __init__(self, journal: Journal, then: Callable[[Event], None]) -> None:
        self._journal, self._then = journal, then

    def __call__(self, event: Event) -> None:
        self._journal(event)
        self._then(event)
