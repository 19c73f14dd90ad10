"""What is told while a release runs: the journal's folding, the picture, plain lines."""

import io
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from delivery.events import Event
from delivery.plan.stages import course
from delivery.release.service import Service
from delivery.release.stack import Stack
from delivery.report.journal import Journal
from delivery.report.live_view import RESULTS, Heading, View
from delivery.report.progress import HEARTBEAT_SECONDS, PlainLines, line, watching
from models.delivery import Finding, Run
from models.release import ServiceRelease
from tests.delivery.desk import CANARY, FINE, WORSE, Desk, told

HEADING = Heading(stack="prod", service="web", what="server@sha256:9be19be19be1", strategy="canary")


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Told:
    """A release up to its first step, as a driver tells it."""

    def __init__(self, desk: Desk, **changes: object) -> None:
        self.clock, self.service = Clock(), desk.service()
        self.run: Run = desk.begun(**changes)
        self.journal = Journal("web", self.service.spec, self.clock)

    def upto(self, stage: str, check: object = FINE) -> None:
        for event in told(self.run, self.service, stage, check):  # pyright: ignore[reportArgumentType]
            self.journal(event)
            self.clock.now += 10

    def turned(self) -> None:
        """The gate has failed it; the driver is at the first stage of the way back."""
        self.journal(Event(kind="turned", service="web", said=WORSE.said, run=self.run))
        left = course(self.service.spec, self.run)[1].release
        back = self.run.model_copy(update={"kind": "back", "left": left, "stage": 0})
        self.journal(Event(kind="stage", service="web", stage="close", index=0, of=2, run=back))

    def picture(self) -> str:
        console = Console(record=True, width=120, file=io.StringIO())
        console.print(View(HEADING, self.journal))
        return console.export_text()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def row(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


def test_the_picture_shows_stages_split_samples_and_both_slots_numbers(desk: Desk) -> None:
    given = Told(desk)
    given.upto("step 10 %")
    picture = given.picture()
    assert "web · prod · canary · 50 s" in picture
    assert "server@sha256:9be19be19be1" in picture
    assert "✔" in row(picture, "fill")
    assert "10 s" in row(picture, "fill")
    assert "200 of 200 requests" in row(picture, "step 10 %")
    assert "observed 9.8 %" in row(picture, " new ")
    assert "10 %" in row(picture, " new ")
    assert "90 %" in row(picture, " live ")
    assert "judged" in row(picture, "step 100 %")
    assert "1.00 % (2 of 200)" in row(picture, "errors")
    assert "1.00 % (18 of 1,800)" in row(picture, "errors")
    assert "pass" in row(picture, "errors")


def test_a_hold_counts_down_and_an_approval_is_announced(desk: Desk) -> None:
    steps = [{"weight": 10, "hold": "1m", "approval": True}, 100]
    desk.catalogue(release={**CANARY, "steps": steps})
    given = Told(desk)
    assert "held 1 min, then approval" not in given.picture()
    given.upto("fill")
    assert "held 1 min, then approval" in row(given.picture(), "step 10 %")
    given.upto("step 10 %")
    assert "held 20 s more, then approval" in row(given.picture(), "step 10 %")


def test_a_release_that_turned_shows_where_it_left_why_and_the_way_back(desk: Desk) -> None:
    given = Told(desk)
    given.upto("step 10 %", WORSE)
    given.turned()
    picture = given.picture()
    assert "✘" in row(picture, "step 10 %")
    assert f"going back: {WORSE.said}" in picture
    assert "step 100 %" not in picture
    assert [entry.stage.name for entry in given.journal.entries if entry.back] == ["close", "empty"]
    assert given.journal.current is not None
    assert given.journal.current.stage.name == "close"
    assert [stage["state"] for stage in given.journal.document()["stages"]][:3] == ["done", "left", "skipped"]


def test_stages_of_an_earlier_driver_are_done_without_a_time_of_ours(desk: Desk) -> None:
    given = Told(desk, stage=1)
    event = next(iter(told(given.run, given.service, "fill", FINE)))
    given.journal(replace(event, index=1, stage="step 10 %"))
    stages = given.journal.document()["stages"]
    assert (stages[0]["state"], stages[0]["seconds"]) == ("done", None)
    assert stages[1]["state"] == "now"


def test_markup_in_names_is_shown_and_not_obeyed(desk: Desk) -> None:
    given = Told(desk)
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(View(replace(HEADING, stack="[red]x"), given.journal))
    assert "[red]x" in console.export_text()


def plain(given: Told) -> tuple[io.StringIO, PlainLines]:
    out = io.StringIO()
    return out, PlainLines(Console(file=out, width=200), given.journal)


def test_of_what_repeats_itself_one_line_in_a_heartbeat_is_printed(desk: Desk) -> None:
    given = Told(desk)
    out, lines = plain(given)
    look = Event(kind="look", service="web", stage="step 10 %", said="sampling", samples=5, wanted=10)
    for _ in range(3):
        lines(look)
    given.clock.now += HEARTBEAT_SECONDS
    lines(look)
    assert len(out.getvalue().splitlines()) == 2
    lines(replace(look, kind="stage"))
    lines(look)
    assert len(out.getvalue().splitlines()) == 4


def test_a_plain_line_is_one_line_with_place_samples_and_share() -> None:
    event = Event(kind="stage", service="web", stage="step 10 %", index=1, of=5, said="a\nb")
    assert line(event) == "[2/5] step 10 %: stage: a b"
    assert line(replace(event, said=event.stage)) == "[2/5] step 10 %: stage"
    look = Event(kind="look", service="web", stage="step 10 %", samples=1200, wanted=1826, share=9.84, said="x")
    assert line(look) == "step 10 %: look: 1,200 of 1,826 requests, 9.8 % of requests observed, x"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_the_picture_and_everything_else_lines(desk: Desk, *, terminal: bool) -> None:
    given, out = Told(desk), io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120)
    with watching(console, HEADING, given.journal) as listen:
        for event in told(given.run, given.service, "step 10 %", FINE):
            listen(event)
    assert ("╭" in out.getvalue()) == terminal
    assert ("step 10 %: verdict: " in out.getvalue()) != terminal
    assert given.journal.judged == {"errors": FINE}


def test_a_journal_without_an_event_has_a_picture_too(desk: Desk) -> None:
    stack: Stack = desk.stack()
    journal = Journal("web", Service(stack, "web").spec, Clock())
    assert journal.document()["stages"] == []
    assert isinstance(Service(stack, "web").release(), ServiceRelease)
    Console(file=io.StringIO()).print(View(HEADING, journal))


def test_every_finding_has_a_colour() -> None:
    assert set(RESULTS) == set(get_args(Finding))
